"""What DuckDB needs before it knows Iceberg."""

from pathlib import Path

import duckdb

PACKAGES = Path(duckdb.__file__).parent.parent


def duckdb_with_extensions() -> duckdb.DuckDBPyConnection:
    """A connection with the extensions that came as wheels: nothing is fetched."""
    connection = duckdb.connect()
    for extension in ("avro", "httpfs", "iceberg"):
        (file,) = PACKAGES.glob(f"duckdb_extension_{extension}/extensions/*/{extension}.duckdb_extension")
        connection.execute(f"INSTALL '{file}'")
        connection.execute(f"LOAD {extension}")
    return connection
