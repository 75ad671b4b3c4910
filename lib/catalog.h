/*
 * What is in the database: its kind, a table and its columns, the list of
 * tables. Reads system catalogs only, which take no snapshot and no lock.
 */
#ifndef RSW_CATALOG_H
#define RSW_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "pg.h"
#include "plan.h"

/* Is it Redshift (by what version() says)? 0 or -1 (said). */
int catalog_is_redshift(struct pg *, bool *out);

/* A table as it is now. 0, or -1, silent: pg_say() tells why. */
int catalog_table(struct pg *, const char *schema, const char *table,
    struct plan_table *);

/* The same for what only PostgreSQL tells: columns whose values it makes. */
int catalog_generated(struct pg *, struct plan_table *);

/* Redshift's encodings of its columns, and the keys they are in. What Redshift
 * does not tell stays unknown. */
void catalog_storage(struct pg *, const char *schema, const char *table,
    struct plan_table *);

/* Is there such a schema? 0, or -1 (silent). */
int catalog_schema(struct pg *, const char *schema, bool *out);

/* The table's id (oid), 0 if there is no such table. 0, or -1 (silent). */
int catalog_id(struct pg *, const char *schema, const char *table,
    int64_t *id);

/* The tables and views of a schema, or of all but the system's, as CSV text:
 * schema_name,table_name. 0, or -1 having said why. */
int catalog_list(struct pg *, const char *schema, struct buf *out);

#endif
