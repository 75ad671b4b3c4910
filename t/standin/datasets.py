#!/usr/bin/python3
"""datasets.py DIR: put the sandbox's built-in DataSets into DIR, for domo.py.

Prints NAME GUID lines.  oui has real names and addresses; types has every
type and what is awkward in each; names has awkward column names; formulas has
texts that begin as formulas do; empty has no rows.
"""
import csv
import json
import os
import sys

OUI_FILES = ('/usr/share/ieee-data/oui.csv', '/var/lib/ieee-data/oui.csv')
GUID = '5b1f6a3e-2c47-4f0d-9a61-0d8e7c3b1a%02d'

TYPES = (
    ('Id', 'LONG'), ('Text', 'STRING'), ('Amount', 'DECIMAL'),
    ('Ratio', 'DOUBLE'), ('Day', 'DATE'), ('Moment', 'DATETIME'),
    ('Note', 'STRING'),
)
TYPES_ROWS = (
    (1, 'plain', '1.50', '0.5', '2024-02-29', '2024-02-29T12:34:56', 'first'),
    (2, None, None, None, None, None, None),
    (3, '', '0', '0', '1970-01-01', '1970-01-01T00:00:00', ''),
    (4, 'say "hello"', '-1.5', '-2.5', '1999-12-31', '1999-12-31T23:59:59',
     '"'),
    (5, 'a, b, c', '12345678901234567890.123456789', '1e+300', '9999-12-31',
     '9999-12-31T23:59:59', ','),
    (6, 'two\nlines', '0.000000001', '-2.5e-300', '0001-01-01',
     '0001-01-01T00:00:00', '\n'),
    (7, 'two\r\nlines', '99999999999999999999', '3.141592653589793',
     '1582-10-15', '2024-12-31T23:59:59', 'tab\there'),
    (8, '\U0001F600 \U0001F469‍\U0001F469‍\U0001F467‍'
     '\U0001F466 é é', '-0.1', '123456789.125', '2000-02-29',
     '2000-02-29T00:00:01', '日本語 Ελληνικά'),
    (9223372036854775807, 'C:\\new\\table', '7', '1', '2024-01-01',
     '2024-01-01T01:01:01', '\\'),
    (-9223372036854775808, "it's NULL, null and nil", '1000', '100',
     '2024-03-31', '2024-03-31T02:30:00', 'NULL'),
    (11, ' blanks around ', '5.10', '1.5', '1900-01-01',
     '1900-01-01T00:00:00', ' '),
    (12, 'ü' * 300, '3', '2', '2024-07-01', '2024-07-01T00:00:00', '|;\'$%#'),
)

NAMES = (
    ('Name', 'STRING'), ('Unit price, net', 'DECIMAL'),
    ('the "best" one', 'STRING'), ('% of Value', 'DOUBLE'), ('Größe', 'STRING'),
    ('select', 'STRING'), ('_BATCH_ID_', 'DOUBLE'),
    ('_BATCH_LAST_RUN_', 'DATETIME'),
)
NAMES_ROWS = (
    ('a', '1.25', 'x', '0.5', 'L', 'yes', '410', '2019-03-19T18:49:02'),
    ('b', None, None, None, None, None, '411', '2019-03-20T18:49:02'),
)

FORMULAS = (('Text', 'STRING'), ('Number', 'LONG'))
FORMULAS_ROWS = (
    ('-', -1), ('=1+1', 2), ('+49 30 1', 3), ('@home', 4), ('-5', -5),
    ("'tis", 6), ('a-b', 7), (None, None),
)


def field(value):
    """As Domo exports it: quotes where needed, NULL without."""
    if value is None:
        return ''
    text = str(value)
    if text == '' or any(c in text for c in '",\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def write(directory, number, name, columns, rows):
    guid = GUID % number
    path = os.path.join(directory, guid)
    with open(path + '.csv', 'w', encoding='utf-8', newline='') as f:
        for row in ([c[0] for c in columns], *rows):
            f.write(','.join(map(field, row)) + '\n')
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump({'name': name, 'schema': {'columns': [
            {'type': kind, 'name': column} for column, kind in columns]}}, f)
    return guid


def oui():
    """(columns, rows); the file has CRLF and no NULLs of its own: an empty
    address is one here."""
    path = next((p for p in OUI_FILES if os.path.exists(p)), None)
    if not path:
        sys.exit('datasets.py: cannot find oui.csv: install ieee-data')
    with open(path, encoding='utf-8', newline='') as f:
        rows = [[value or None for value in row] for row in csv.reader(f)]
    return [(name, 'STRING') for name in rows[0]], rows[1:]


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for number, (key, name, columns, rows) in enumerate((
            ('oui', 'IEEE OUI Registry', *oui()),
            ('types', 'Every Type', TYPES, TYPES_ROWS),
            ('names', 'Awkward "Names", 100%', NAMES, NAMES_ROWS),
            ('formulas', 'Formulas', FORMULAS, FORMULAS_ROWS),
            ('empty', 'No Rows Yet', TYPES, ())), 1):
        print(key, write(directory, number, name, columns, rows))


if __name__ == '__main__':
    main()
