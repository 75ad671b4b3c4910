"""Redshift's vocabulary, as tables.  No code decides anything here.

DG:r_pg_keywords, DG:c_SQL_commands, DG:c_unsupported-postgresql-features (and
-datatypes, -functions), DG:c_Supported_data_types, DG:c_Compression_encodings,
DG:c_SQL_functions_leader_node_only.
"""

# words that are no identifier unless quoted
RESERVED = frozenset("""
AES128 AES256 ALL ALLOWOVERWRITE ANALYSE ANALYZE AND ANY ARRAY AS ASC
AUTHORIZATION AZ64 BACKUP BETWEEN BINARY BLANKSASNULL BOTH BYTEDICT BZIP2 CASE
CAST CHECK COLLATE COLUMN CONSTRAINT CREATE CREDENTIALS CROSS CURRENT_DATE
CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_USER_ID DEFAULT DEFERRABLE
DEFLATE DEFRAG DELTA DELTA32K DESC DISABLE DISTINCT DO ELSE EMPTYASNULL ENABLE
ENCODE ENCRYPT ENCRYPTION END EXCEPT EXPLICIT FALSE FOR FOREIGN FREEZE FROM
FULL GLOBALDICT256 GLOBALDICT64K GRANT GROUP GZIP HAVING IDENTITY IGNORE ILIKE
IN INITIALLY INNER INTERSECT INTERVAL INTO IS ISNULL JOIN LANGUAGE LEADING LEFT
LIKE LIMIT LOCALTIME LOCALTIMESTAMP LUN LUNS LZO LZOP MINUS MOSTLY16 MOSTLY32
MOSTLY8 NATURAL NEW NOT NOTNULL NULL NULLS OFF OFFLINE OFFSET OID OLD ON ONLY
OPEN OR ORDER OUTER OVERLAPS PARALLEL PARTITION PERCENT PERMISSIONS PIVOT
PLACING PRIMARY RAW READRATIO RECOVER REFERENCES REJECTLOG RESORT RESPECT
RESTORE RIGHT SELECT SESSION_USER SIMILAR SNAPSHOT SOME SYSDATE SYSTEM TABLE
TAG TDES TEXT255 TEXT32K THEN TIMESTAMP TO TOP TRAILING TRUE TRUNCATECOLUMNS
UNION UNIQUE UNNEST UNPIVOT USER USING VERBOSE WALLET WHEN WHERE WITH WITHOUT
""".split())

# names that no column can have, quoted or not
SYSTEM_COLUMNS = frozenset(
    "oid tableoid ctid xmin cmin xmax cmax deletexid insertxid".split())

# column types: what they are called here, what the backend calls them, and
# which numbers may follow.  (default arguments, largest arguments)
TYPES = {
    "SMALLINT": ("smallint", None), "INT2": ("smallint", None),
    "INTEGER": ("integer", None), "INT": ("integer", None),
    "INT4": ("integer", None),
    "BIGINT": ("bigint", None), "INT8": ("bigint", None),
    "DECIMAL": ("numeric", "decimal"), "NUMERIC": ("numeric", "decimal"),
    "REAL": ("real", None), "FLOAT4": ("real", None),
    "DOUBLE PRECISION": ("double precision", None),
    "FLOAT8": ("double precision", None),
    "FLOAT": ("double precision", "float"),
    "BOOLEAN": ("boolean", None), "BOOL": ("boolean", None),
    "CHAR": ("character", "char"), "CHARACTER": ("character", "char"),
    "NCHAR": ("character", "char"), "BPCHAR": ("character", "bpchar"),
    "VARCHAR": ("character varying", "varchar"),
    "CHARACTER VARYING": ("character varying", "varchar"),
    "CHAR VARYING": ("character varying", "varchar"),
    "NVARCHAR": ("character varying", "varchar"),
    "TEXT": ("character varying", "text"),
    "DATE": ("date", None),
    "TIME": ("time without time zone", None),
    "TIME WITHOUT TIME ZONE": ("time without time zone", None),
    "TIMETZ": ("time with time zone", None),
    "TIME WITH TIME ZONE": ("time with time zone", None),
    "TIMESTAMP": ("timestamp without time zone", None),
    "TIMESTAMP WITHOUT TIME ZONE": ("timestamp without time zone", None),
    "TIMESTAMPTZ": ("timestamp with time zone", None),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", None),
}
TYPE_WORDS = 4                  # the longest name above

VARCHAR_MAX = 65535
VARCHAR_DEFAULT = 256
CHAR_MAX = 4096
DECIMAL_MAX = (38, 37)
DECIMAL_DEFAULT = (18, 0)

# Redshift has them, the stand-in has not
TYPES_NOT_HERE = frozenset(
    "SUPER VARBYTE VARBINARY GEOMETRY GEOGRAPHY HLLSKETCH INTERVALY2M "
    "INTERVALD2S".split())

# PostgreSQL has them, Redshift has not
TYPES_REFUSED = frozenset("""
UUID JSON JSONB BYTEA SERIAL BIGSERIAL SMALLSERIAL SERIAL4 SERIAL8 INTERVAL
MONEY XML INET CIDR MACADDR BIT POINT LINE LSEG BOX PATH POLYGON CIRCLE
TSVECTOR TSQUERY INT4RANGE INT8RANGE NUMRANGE TSRANGE TSTZRANGE DATERANGE
HSTORE CITEXT
""".split())

NUMBERS = ("smallint", "integer", "bigint", "numeric")
TIMES = ("date", "timestamp without time zone", "timestamp with time zone",
         "time without time zone", "time with time zone")
TEXTS = ("character", "character varying")
EVERY = NUMBERS + TIMES + TEXTS + ("real", "double precision", "boolean")

# encodings, and the types that may have them
ENCODINGS = {
    "RAW": EVERY,
    "AUTO": EVERY,
    "AZ64": NUMBERS + TIMES,
    "BYTEDICT": NUMBERS + TIMES + TEXTS + ("real", "double precision"),
    "DELTA": NUMBERS + TIMES,
    "DELTA32K": ("integer", "bigint", "numeric") + TIMES,
    "LZO": NUMBERS + TIMES + TEXTS,
    "MOSTLY8": NUMBERS,
    "MOSTLY16": ("integer", "bigint", "numeric"),
    "MOSTLY32": ("bigint", "numeric"),
    "RUNLENGTH": EVERY,
    "TEXT255": ("character varying",),
    "TEXT32K": ("character varying",),
    "ZSTD": EVERY,
}

# columns with these keep their width: ALTER COLUMN TYPE refuses
ENCODINGS_FIXED = ("bytedict", "runlength", "text255", "text32k")

COLUMNS_MAX = 1600
SORTKEYS_MAX = 400

# what runs on the leader node only: functions with "(", words without
LEADER_FUNCTIONS = dict.fromkeys("""
CURRENT_SCHEMA CURRENT_SCHEMAS HAS_DATABASE_PRIVILEGE HAS_SCHEMA_PRIVILEGE
HAS_TABLE_PRIVILEGE AGE ISFINITE NOW ASCII GET_BIT GET_BYTE SET_BIT SET_BYTE
TO_ASCII GENERATE_SERIES
""".split(), "(")
LEADER_FUNCTIONS.update(dict.fromkeys(
    "CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP".split(), "word"))

# functions of PostgreSQL that Redshift does not know
FUNCTIONS_REFUSED = frozenset("""
ARRAY_AGG STRING_AGG JSON_AGG JSONB_AGG ROW_TO_JSON TO_JSON TO_JSONB
JSON_BUILD_OBJECT JSONB_BUILD_OBJECT GEN_RANDOM_UUID CONCAT_WS FORMAT
QUOTE_NULLABLE REGEXP_MATCHES REGEXP_SPLIT_TO_TABLE REGEXP_SPLIT_TO_ARRAY
STRING_TO_ARRAY UNNEST TO_REGCLASS TO_REGTYPE TXID_CURRENT
PG_CURRENT_XACT_ID PG_ADVISORY_LOCK PG_ADVISORY_XACT_LOCK
PG_TRY_ADVISORY_LOCK PG_TRY_ADVISORY_XACT_LOCK PG_ADVISORY_UNLOCK
PG_RELATION_SIZE PG_TOTAL_RELATION_SIZE PG_TABLE_SIZE PG_SLEEP NEXTVAL
CURRVAL SETVAL CLOCK_TIMESTAMP STATEMENT_TIMESTAMP TRANSACTION_TIMESTAMP
MAKE_DATE MAKE_TIMESTAMP PG_NOTIFY LO_IMPORT NUM_NULLS NUM_NONNULLS
PG_DESCRIBE_OBJECT PG_IDENTIFY_OBJECT PG_GET_FUNCTIONDEF ACLEXPLODE
GENERATE_SUBSCRIPTS PG_TYPEOF PG_SIZE_PRETTY STARTS_WITH EVERY SHA256
PG_GET_SERIAL_SEQUENCE HAS_COLUMN_PRIVILEGE HAS_ANY_COLUMN_PRIVILEGE
HAS_SEQUENCE_PRIVILEGE HAS_TYPE_PRIVILEGE PG_HAS_ROLE SHOBJ_DESCRIPTION
""".split())

# catalogs, and columns of the catalog, that are younger than PostgreSQL 8.0
CATALOGS_REFUSED = frozenset("""
PG_ROLES PG_AUTHID PG_AUTH_MEMBERS PG_EXTENSION PG_ENUM PG_COLLATION
PG_SEQUENCE PG_SEQUENCES PG_MATVIEWS PG_POLICIES PG_PUBLICATION
PG_FOREIGN_TABLE PG_FOREIGN_SERVER PG_PARTITIONED_TABLE PG_EVENT_TRIGGER
PG_AVAILABLE_EXTENSIONS PG_TS_CONFIG PG_REPLICATION_SLOTS
""".split())
COLUMNS_REFUSED = frozenset("""
ATTIDENTITY ATTGENERATED ATTCOLLATION ATTACL ATTFDWOPTIONS RELPERSISTENCE
RELISPARTITION RELROWSECURITY RELREPLIDENT RELOPTIONS CONVALIDATED
CONPARENTID TYPCATEGORY DATCOLLATE DATCTYPE PROKIND
""".split())

# runs of words that end a statement wherever they stand in it, outside of
# parentheses or not: the run, and which word of it the error names
SEQUENCES_REFUSED = (
    (("ON", "CONFLICT"), 0),
    (("IS", "NOT", "DISTINCT"), 1),
    (("IS", "DISTINCT"), 1),
    (("FETCH", "FIRST"), 0),
    (("FETCH", "NEXT", "ROW"), 0),
    (("WITH", "ORDINALITY"), 0),
    (("DISTINCT", "ON"), 1),
    (("LATERAL",), 0),
    (("(", "VALUES"), 1),
    (("AS", "MATERIALIZED"), 1),
    (("AS", "NOT", "MATERIALIZED"), 1),
    (("TABLESAMPLE",), 0),
    (("FILTER", "("), 1),
    (("WITH", "TIES"), 0),
)
