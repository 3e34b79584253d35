"""What the tests of the engines share, on top of what all end-to-end tests do."""

import pytest

from stack.tenants import TenantLake

# Iceberg 1.12 signs at a path that this Nessie does not have; clients here have keys of their own.
UNSIGNED = {"nessie.catalog.service.s3.default-options.request-signing-enabled": "false"}


@pytest.fixture(scope="session")
def tenant_lake(tmp_path_factory, keycloak):
    """As elsewhere, without signed requests."""
    with TenantLake(keycloak, tmp_path_factory.mktemp("tenants"), properties=UNSIGNED) as started:
        yield started
