"""DIR/config.json: what the stand-in is told at its start, and defaults."""

import json
import os

DEFAULTS = {
    "listen": "127.0.0.1",
    "port": 0,
    "backend_socket": None,             # directory of PostgreSQL's socket
    "backend_port": 5432,
    "backend_superuser": "postgres",
    "database": "dev",
    "tls_cert": None,
    "tls_key": None,
    "require_ssl": False,
    "auth": "md5",                      # md5, cleartext, digest13
    "users": {},                        # name: password
    "superusers": [],                   # those of them who see everything
    "max_failed_login_attempts": 5,
    "region": "us-east-1",              # of the cluster
    "s3_endpoint": None,
    "s3_cacert": None,
    "s3_signing_region": None,          # what the S3 server wants signed
    "bucket_regions": {},               # bucket: region, else the cluster's
    "roles": {},                        # arn: {access_key, secret_key}
    "default_role": None,
    "serverless": False,
    "isolation": "snapshot",            # or serializable
    "slices": 4,
    "sys_delay": 0,                     # seconds until SYS shows an error
    "case_sensitive_identifiers": False,
}

CHOICES = {
    "auth": ("md5", "cleartext", "digest13"),
    "isolation": ("snapshot", "serializable"),
}


class ConfigError(Exception):
    pass


def load(directory):
    """The configuration of one stand-in; "dir" is added to it."""
    path = os.path.join(directory, "config.json")
    try:
        with open(path, encoding="utf-8") as f:
            given = json.load(f)
    except (OSError, ValueError) as e:
        raise ConfigError("cannot read '%s': %s" % (path, e)) from e
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ConfigError("'%s': unknown key '%s'" % (path, unknown[0]))
    config = {**DEFAULTS, **given}
    for key, allowed in CHOICES.items():
        if config[key] not in allowed:
            raise ConfigError("'%s': %s must be one of: %s"
                              % (path, key, " ".join(allowed)))
    if not config["backend_socket"]:
        raise ConfigError("'%s': backend_socket is missing" % path)
    config["dir"] = directory
    return config
