"""Spark with a credential of its own, and with a person's token."""

import pytest
from clients import told
from lives import every_second, short_lives

from stack.moto import REGION
from stack.spark import JavaError

CELL = pytest.mark.cell(engine="Spark 4.1 (Iceberg 1.12)", idp="Keycloak", catalog="Nessie")


@pytest.fixture
def open_catalog(spark, lake_gate, two, namespace):
    """Opens acme's warehouse as a catalog with the test's name."""
    def open_it(name=namespace, at=lake_gate, **login):
        spark.open_rest_catalog(name, at.url, {
            "warehouse": "acme", "oauth2-server-uri": at.token_url, "client.region": REGION,
            "io-impl": "org.apache.iceberg.aws.s3.S3FileIO", **two.moto.client_properties(), **login})
        return name
    return open_it


@CELL
def test_spark_starts_writes_reads_and_renews(open_catalog, spark, keycloak, two, capture, namespace):
    golden = capture("spark-4.1")
    login = ":".join(keycloak.credential("spark"))
    lake = open_catalog(at=golden, credential=login)
    here = f"{lake}.{namespace}"
    with golden.step("the first statement opens the catalog"):
        spark.sql(f"CREATE NAMESPACE {here}")
    with golden.step("a table"):
        spark.sql(f"CREATE TABLE {here}.t (id BIGINT)")
    with golden.step("a write"):
        spark.sql(f"INSERT INTO {here}.t VALUES (1), (2)")
    with golden.step("a read"):
        assert sorted(spark.sql(f"SELECT id FROM {here}.t")) == [[1], [2]]
    with golden.step("an update"):
        spark.sql(f"UPDATE {here}.t SET id = 5 WHERE id = 1")
    with short_lives(keycloak, "spark", seconds=10):
        with golden.step("renewals over several lives of its token", only_tokens=True):
            renewing = open_catalog("renewing", golden, credential=login)
            assert every_second(24, lambda: spark.sql(f"SELECT id FROM {renewing}.{namespace}.t")) >= 8
        spark.sql(f"INSERT INTO {renewing}.{namespace}.t VALUES (7)")
    assert sorted(spark.sql(f"SELECT id FROM {renewing}.{namespace}.t")) == [[2], [5], [7]]
    golden.expect()
    made = [entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]]
    assert len(made) >= 4
    assert set(made) == {"service-account-spark"}


@CELL
def test_a_person_works_with_spark_and_their_own_token(open_catalog, spark, keycloak, two, namespace):
    lake = open_catalog(token=keycloak.user_token("alice"))
    spark.sql(f"CREATE NAMESPACE {lake}.{namespace}")
    spark.sql(f"CREATE TABLE {lake}.{namespace}.t AS SELECT 1 AS id")
    assert spark.sql(f"SELECT id FROM {lake}.{namespace}.t") == [[1]]
    assert {entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]} == {"alice"}


def test_what_it_may_not_do_is_refused_with_a_sentence(open_catalog, spark, keycloak):
    lake = open_catalog(credential=":".join(keycloak.credential("spark")))
    with pytest.raises(JavaError) as caught:
        spark.sql(f"SELECT * FROM {lake}.pii.people")
    assert "service-account-spark (tenant acme) may not read lake/acme|acme.pii.people" in told(caught.value)


def test_a_wrong_secret_is_told(open_catalog, spark):
    lake = open_catalog(credential="spark:wrong")
    with pytest.raises(JavaError) as caught:
        spark.sql(f"SHOW NAMESPACES IN {lake}")
    assert "Not authorized: invalid_client" in str(caught.value)
