"""Dates and times as COPY reads them, by DATEFORMAT and TIMEFORMAT.

Each reader takes bytes and gives the text that PostgreSQL shall read, or
raises ValueError with Redshift's reason.  Without a format
only the one documented form is read; 'auto' (case counts) reads several;
'epochsecs' and 'epochmillisecs' are numbers.
DG:copy-parameters-data-conversion, DG:r_DATEFORMAT_and_TIMEFORMAT_strings.
"""

import calendar
import datetime
import functools
import re

from .errors import RsError

BAD_DATE = "Invalid Date Format - length must be 10 or more"
BAD_DATE_VALUE = "Invalid date value [%s]"
BAD_TIMESTAMP = "Invalid timestamp format or value [%s]"

MONTHS = {name.lower(): number for number, name
          in enumerate(calendar.month_abbr) if name}

YMD = r"(?P<Y>\d{4})-(?P<M>\d\d)-(?P<D>\d\d)"
HMS = r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?P<f>\.\d{1,6})?"
ZONE = r" ?(?P<z>[+-]\d\d(?::?\d\d)?)"
AUTO_ZONE = r"(?: ?(?P<z>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
AUTO_TIME = (r"(?:[T ](?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d)"
             r"(?P<f>\.\d{1,6})?)?(?: ?(?P<p>[AaPp][Mm]))?" + AUTO_ZONE + r")?")
MONTH = r"(?P<N>[A-Za-z]{3})[a-z]*"
AUTO_DATES = (
    YMD,
    r"(?P<Y>\d{4})/(?P<M>\d\d)/(?P<D>\d\d)",
    r"(?P<M>\d\d?)[/-](?P<D>\d\d?)[/-](?P<Y>\d{4})",
    r"(?P<Y>\d{4})(?P<M>\d\d)(?P<D>\d\d)",
    MONTH + r"[ -](?P<D>\d\d?),?[ -](?P<Y>\d{4})",
    r"(?P<D>\d\d?)[ -]" + MONTH + r"[ -](?P<Y>\d{4})",
)

# the words of a format string, longest first
FORMAT_WORDS = {
    "YYYY": r"(?P<Y>\d{4})", "YY": r"(?P<y>\d\d)", "MM": r"(?P<M>\d\d)",
    "MONTH": MONTH, "MON": r"(?P<N>[A-Za-z]{3})", "DD": r"(?P<D>\d\d)",
    "HH24": r"(?P<h>\d\d)", "HH12": r"(?P<h>\d\d)", "HH": r"(?P<h>\d\d)",
    "MI": r"(?P<m>\d\d)", "SS": r"(?P<s>\d\d)(?P<f>\.\d{1,6})?",
    "AM": r"(?P<p>[AaPp][Mm])", "PM": r"(?P<p>[AaPp][Mm])",
    "OF": r"(?P<z>[+-]\d\d(?::?\d\d)?)",
}
FORMAT = re.compile("|".join(sorted(FORMAT_WORDS, key=len, reverse=True))
                    + r"|[A-Za-z]+|.", re.S)


def _compile(pattern):
    return re.compile(pattern.encode())


def _from_format(text, option):
    """The pattern of a format string; other letters are refused."""
    parts = []
    for word in FORMAT.findall(text):
        if word in FORMAT_WORDS:
            parts.append(FORMAT_WORDS[word])
        elif word.isalpha() and word != "T":
            raise RsError("22023", "Invalid %s string: '%s'" % (option, text))
        else:
            parts.append(re.escape(word))
    try:
        return _compile("".join(parts))
    except re.error as e:
        raise RsError("22023", "Invalid %s string: '%s'"
                      % (option, text)) from e


def date_reader(form):
    if form is None:
        patterns = (_compile(YMD),)
    elif form == "auto":
        patterns = tuple(_compile(p + AUTO_TIME) for p in AUTO_DATES)
    else:
        patterns = (_from_format(form, "DATEFORMAT"),)

    @functools.lru_cache(maxsize=65536)
    def read(value):
        found = _match(patterns, value)
        if not found:
            raise ValueError(BAD_DATE if len(value) < 10 else
                             BAD_DATE_VALUE % _text(value))
        return _date(found, BAD_DATE_VALUE % _text(value)).encode()
    return read


# the default form of a TIMESTAMP, which most files have: no groups to take out
PLAIN = re.compile(rb"\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
                   rb"(?:\.\d{1,6})?")


def timestamp_reader(form, zoned):
    if form in ("epochsecs", "epochmillisecs"):
        return _epoch(1 if form == "epochsecs" else 1000)
    if form is None:
        patterns = (_compile(YMD + " " + HMS + (ZONE if zoned else "")),)
    elif form == "auto":
        patterns = tuple(_compile(p + AUTO_TIME) for p in AUTO_DATES)
    else:
        patterns = (_from_format(form, "TIMEFORMAT"),)
    shown = form if form not in (None, "auto") else "YYYY-MM-DD HH24:MI:SS"
    why = BAD_TIMESTAMP % shown
    is_plain = PLAIN.fullmatch if form in (None, "auto") and not zoned \
        else lambda value: None

    def read(value):
        if is_plain(value):
            _day(int(value[:4]), int(value[5:7]), int(value[8:10]), why)
            return value
        found = _match(patterns, value)
        if not found:
            raise ValueError(why)
        parts = found.groupdict()
        zone = parts.get("z") if zoned else None
        return ("%s %s%s" % (_date(found, why), _time(parts, why),
                             _zone(zone))).encode()
    return read


def time_reader(zoned):
    pattern = _compile(HMS + ("(?:%s)?" % ZONE if zoned else ""))

    def read(value):
        found = pattern.fullmatch(value)
        if not found:
            raise ValueError("Invalid time format or value [HH24:MI:SS]")
        parts = found.groupdict()
        return (_time(parts, "Invalid time value")
                + _zone(parts.get("z"))).encode()
    return read


def _epoch(divisor):
    start = datetime.datetime(1970, 1, 1)

    def read(value):
        if not re.fullmatch(rb"-?\d+(\.\d+)?", value):
            raise ValueError(BAD_TIMESTAMP % "epoch")
        try:
            moment = start + datetime.timedelta(seconds=float(value) / divisor)
        except OverflowError as e:
            raise ValueError(BAD_TIMESTAMP % "epoch") from e
        return moment.isoformat(" ").encode()
    return read


def _match(patterns, value):
    for pattern in patterns:
        found = pattern.fullmatch(value)
        if found:
            return found
    return None


def _date(found, why):
    """YYYY-MM-DD of a match, if there is such a day."""
    parts = found.groupdict()
    year = int(parts.get("Y") or 0)
    if parts.get("y"):
        year = int(parts["y"])
        year += 2000 if year < 70 else 1900
    month = parts.get("M")
    month = (int(month) if month
             else MONTHS.get((parts.get("N") or b"").decode().lower(), 0))
    return _day(year, month, int(parts.get("D") or 1), why)


@functools.lru_cache(maxsize=65536)
def _day(year, month, day, why):
    if not 1 <= month <= 12 or not 1 <= year <= 9999 \
            or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValueError(why)
    return "%04d-%02d-%02d" % (year, month, day)


def _time(parts, why):
    hour = int(parts.get("h") or 0)
    minute, second = int(parts.get("m") or 0), int(parts.get("s") or 0)
    half = (parts.get("p") or b"").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(why)
        hour = hour % 12 + (12 if half == b"pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(why)
    return "%02d:%02d:%02d%s" % (hour, minute, second,
                                 (parts.get("f") or b"").decode())


def _zone(zone):
    if not zone:
        return ""
    text = zone.decode()
    return "+00" if text.upper() in ("Z", "UTC", "GMT") else text


def _text(value):
    return value.decode("utf-8", "replace")
