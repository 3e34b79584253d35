//! Every message about what a tenant reaches, and about where its files lie.

use serde_json::{Value, json};

use crate::config_tenants::{each_shows, shown};

#[test]
fn at_any_catalog() {
    let raw = "/tenants/acme/reach/polaris/0";
    let name = "tenants.acme.reach.polaris[0]: must be a name of at most 1024 bytes without control characters";
    each_shows(&[
        (
            "/tenants/acme/reach",
            json!({}),
            "tenants.acme.reach: must hold at least one",
        ),
        (
            "/tenants/acme/reach/polarsi",
            json!(["x"]),
            "tenants.acme.reach.polarsi: is no catalog of this configuration; did you mean polaris?",
        ),
        (
            "/tenants/acme/reach/polaris",
            json!([]),
            "tenants.acme.reach.polaris: must hold 1 to 256",
        ),
        (
            "/tenants/acme/reach/polaris",
            json!("acme_raw"),
            "tenants.acme.reach.polaris: must be a list, not text",
        ),
        (
            raw,
            json!(1),
            "tenants.acme.reach.polaris[0]: must be text, not a number",
        ),
        (raw, json!(""), name),
        (raw, json!("a\u{7f}"), name),
        (raw, json!("a".repeat(1025)), name),
        (
            raw,
            json!({"prefix": "p"}),
            "tenants.acme.reach.polaris[0].warehouse: must be set; it is what clients ask for",
        ),
        (
            raw,
            json!({"warehouse": "w", "prefix": "p", "name": "p"}),
            "tenants.acme.reach.polaris[0].name: is unknown; known here: warehouse, prefix",
        ),
        (
            raw,
            json!({"warehouse": "w", "prefix": "a\u{1f}b"}),
            "tenants.acme.reach.polaris[0]: has a prefix that no path of this catalog can have",
        ),
        (
            raw,
            json!({"warehouse": "w", "prefix": ""}),
            "tenants.acme.reach.polaris[0]: has a prefix that no path of this catalog can have",
        ),
        (
            raw,
            json!({"warehouse": "w"}),
            "tenants.acme.reach.polaris[0]: has a prefix that is not known; write {warehouse: ..., prefix: ...}, or set \
             catalogs.polaris.cluster so that the gate can ask the catalog for it",
        ),
        (
            "/catalogs/rest/cluster",
            Value::Null,
            "tenants.acme.reach.rest[0]: has a prefix that is not known; write {warehouse: ..., prefix: ...}, or set \
             catalogs.rest.cluster so that the gate can ask the catalog for it\n\
             tenants.globex.reach.rest[0]: has a prefix that is not known; write {warehouse: ..., prefix: ...}, or set \
             catalogs.rest.cluster so that the gate can ask the catalog for it",
        ),
    ]);
}

#[test]
fn nothing_is_named_twice() {
    let theirs = |path: &str| {
        format!(
            "{path}: is within the reach of tenants.acme too; a request could not be told apart"
        )
    };
    each_shows(&[
        (
            "/tenants/acme/reach/polaris/2",
            json!("acme_raw"),
            "tenants.acme.reach.polaris[2]: stands there twice",
        ),
        // Another name, and a prefix that is taken.
        (
            "/tenants/acme/reach/polaris/2",
            json!({"warehouse": "raw", "prefix": "acme_raw"}),
            "tenants.acme.reach.polaris[2]: stands there twice",
        ),
        (
            "/tenants/acme/reach/polaris/2",
            json!({"warehouse": "acme_raw", "prefix": "other"}),
            "tenants.acme.reach.polaris[2]: stands there twice",
        ),
        // Lakekeeper finds warehouses without regard to case.
        (
            "/tenants/acme/reach/keeper/1",
            json!("ACME"),
            "tenants.acme.reach.keeper[1]: stands there twice",
        ),
        (
            "/tenants/acme/reach/rest/2",
            json!("acme"),
            "tenants.acme.reach.rest[2]: stands there twice",
        ),
        (
            "/tenants/acme/reach/nessie/2",
            json!("dev|acme"),
            "tenants.acme.reach.nessie[2]: stands there twice",
        ),
        (
            "/tenants/acme/reach/nessie/2",
            json!({"warehouse": "acme", "prefix": "dev|acme"}),
            "tenants.acme.reach.nessie[2]: stands there twice",
        ),
        (
            "/tenants/globex/reach/polaris/1",
            json!("acme_mart"),
            &theirs("tenants.globex.reach.polaris[1]"),
        ),
        (
            "/tenants/globex/reach/polaris/1",
            json!({"warehouse": "mine", "prefix": "acme_mart"}),
            &theirs("tenants.globex.reach.polaris[1]"),
        ),
        (
            "/tenants/globex/reach/polaris/1",
            json!({"warehouse": "acme_mart", "prefix": "mine"}),
            &theirs("tenants.globex.reach.polaris[1]"),
        ),
        (
            "/tenants/globex/reach/keeper/1",
            json!("aCMe"),
            &theirs("tenants.globex.reach.keeper[1]"),
        ),
        (
            "/tenants/globex/reach/rest/1",
            json!("big"),
            &theirs("tenants.globex.reach.rest[1]"),
        ),
        // The reference is its own, and the warehouse another's: files would lie in there.
        (
            "/tenants/globex/reach/nessie/1",
            json!("globex|acme"),
            &theirs("tenants.globex.reach.nessie[1]"),
        ),
    ]);
    // What differs in case is two at Polaris.
    assert_eq!(
        shown(&[("/tenants/acme/reach/polaris/2", json!("ACME_RAW"))]),
        [""; 0]
    );
}

#[test]
fn paths_without_a_prefix_are_one_warehouse_s() {
    let bare = |warehouse: &str| json!({"warehouse": warehouse, "prefix": ""});
    assert_eq!(
        shown(&[
            ("/tenants/acme/reach/rest/1", bare("big")),
            ("/tenants/globex/reach/rest/1", bare("small")),
        ]),
        [
            "tenants.globex.reach.rest[1]: is within the reach of tenants.acme too; a request could not be told apart"
        ]
    );
    assert_eq!(
        shown(&[("/tenants/acme/reach/rest/1", bare("big"))]),
        [""; 0]
    );
}

#[test]
fn references_of_nessie() {
    let entry = "/tenants/globex/reach/nessie/0";
    let form = "tenants.globex.reach.nessie[0]: must be reference|warehouse, both by their names, as in \"main|sales\"";
    for wrong in [
        "globex",
        "|globex",
        "globex|",
        "|",
        "-|globex",
        "a|b|c",
        "a@b|globex",
        "a#b|globex",
        "*|globex",
    ] {
        each_shows(&[(entry, json!(wrong), form)]);
        each_shows(&[(entry, json!({"warehouse": "globex", "prefix": wrong}), form)]);
    }
    let shared = "names a reference that tenants.acme reaches too; in Nessie a table belongs to its reference and not to a \
                  warehouse, so both would see each other's tables: give each tenant a branch of its own";
    each_shows(&[
        (
            entry,
            json!("main|globex"),
            &format!("tenants.globex.reach.nessie[0]: {shared}"),
        ),
        (
            "/tenants/globex/reach/nessie/1",
            json!("dev|globex2"),
            &format!("tenants.globex.reach.nessie[1]: {shared}"),
        ),
        // Asked, it is the default branch: acme's.
        ("/catalogs/nessie/cluster", json!("nessie"), ""),
        (
            entry,
            json!({"warehouse": "globex", "prefix": "globex|acme"}),
            "tenants.globex.reach.nessie[0]: has a prefix with another warehouse",
        ),
    ]);
    assert_eq!(
        shown(&[
            ("/catalogs/nessie/cluster", json!("nessie")),
            (
                "/tenants/globex/reach/nessie/1",
                json!({"warehouse": "globex2"})
            ),
        ]),
        [format!("tenants.globex.reach.nessie[1]: {shared}")]
    );
    // Another default branch: then main is like any other.
    assert_eq!(
        shown(&[
            ("/catalogs/nessie/cluster", json!("nessie")),
            ("/catalogs/nessie/default_branch", json!("trunk")),
            (
                "/tenants/globex/reach/nessie/1",
                json!({"warehouse": "globex2"})
            ),
        ]),
        [""; 0]
    );
}

#[test]
fn what_only_some_kinds_have() {
    let references = "is for catalogs of kind nessie; no other has references";
    each_shows(&[
        (
            "/catalogs/polaris/default_branch",
            json!("main"),
            &format!("catalogs.polaris.default_branch: {references}"),
        ),
        (
            "/catalogs/rest/table_references",
            json!(true),
            &format!("catalogs.rest.table_references: {references}"),
        ),
        ("/catalogs/rest/table_references", json!(false), ""),
        ("/catalogs/nessie/table_references", json!(true), ""),
        (
            "/catalogs/polaris/authority",
            json!("polaris.example.com"),
            "catalogs.polaris.authority: says nothing without cluster, by which the catalog is asked",
        ),
        (
            "/catalogs/rest/authority",
            json!("http://rest"),
            "catalogs.rest.authority: must be a host, with a port where it is not the scheme's own",
        ),
        (
            "/catalogs/rest/cluster",
            json!("idp"),
            "catalogs.rest.cluster: is a cluster of issuers.ci too; the catalog must get no call and no credential that is \
             meant for the identity provider\n\
             catalogs.rest.cluster: is a cluster of issuers.corp too; the catalog must get no call and no credential that \
             is meant for the identity provider",
        ),
        (
            "/catalogs/rest/default_warehouse",
            json!(""),
            "catalogs.rest.default_warehouse: must be a name of at most 1024 bytes without control characters",
        ),
        (
            "/catalogs/rest/names_ignore_case",
            json!("yes"),
            "catalogs.rest.names_ignore_case: must be true or false, not text",
        ),
        (
            "/catalogs/rest/public_url",
            json!("https://gate.example.com/rest/"),
            "catalogs.rest.public_url: must not end with a slash",
        ),
        (
            "/catalogs/rest/never_as",
            json!({"claim": "sub"}),
            "catalogs.rest.never_as.in: must be set; without a name the rule would say nothing",
        ),
        (
            "/catalogs/rest/never_as",
            json!({"in": "root"}),
            "catalogs.rest.never_as.claim: must be set; the gate must know which claim the catalog takes for the name",
        ),
    ]);
}

#[test]
fn locations() {
    let own = "/tenants/acme/locations";
    let at = |message: &str| format!("tenants.acme.locations: {message}");
    each_shows(&[
        (own, json!("s3://acme"), ""),
        (own, json!(["s3://acme/a", "gs://acme/"]), ""),
        (own, json!("catalog_decides"), ""),
        (own, json!([]), &at("must hold 1 to 256")),
        (own, json!(true), &at("must be a list, not a truth value")),
        (
            own,
            json!("acme"),
            &at("the location has no scheme, as in s3://bucket/path"),
        ),
        (
            own,
            json!("s3://acme/../globex"),
            &at("the location has a '.' or '..' segment"),
        ),
        (
            own,
            json!(["s3://acme/", "ftp://acme/", 1]),
            "tenants.acme.locations[1]: the location has another scheme than s3, s3a, s3n, gs, abfs, abfss, wasb, wasbs, \
             https, http or file\ntenants.acme.locations[2]: must be text, not a number",
        ),
    ]);
}

#[test]
fn locations_of_two_tenants_lie_apart() {
    let inner = |who: &str, other: &str| {
        format!(
            "tenants.{who}.locations: has a location within one of tenants.{other}; each could read and write the other's \
             files"
        )
    };
    let table = [
        (
            json!("s3://acme/"),
            json!("s3://acme/"),
            Some(("globex", "acme")),
        ),
        (
            json!("s3://acme/"),
            json!("s3a://acme/x"),
            Some(("globex", "acme")),
        ),
        (
            json!("s3://lake/a/b"),
            json!("s3://lake/a"),
            Some(("acme", "globex")),
        ),
        (json!("s3://lake/a"), json!("s3://lake/ab"), None),
        // '-' comes before '/': what lies between the two in the order of texts.
        (
            json!(["s3://lake/a", "s3://lake/a-b"]),
            json!("s3://lake/a/x"),
            Some(("globex", "acme")),
        ),
        (
            json!(["s3://lake/a", "s3://lake/a/x"]),
            json!("s3://lake/b"),
            None,
        ),
        (json!("s3://lake"), json!("gs://lake"), None),
        (json!("catalog_decides"), json!("s3://acme/"), None),
    ];
    for (acme, globex, expected) in table {
        let shown = shown(&[
            ("/tenants/acme/locations", acme.clone()),
            ("/tenants/globex/locations", globex.clone()),
        ]);
        let expected: Vec<String> = expected
            .iter()
            .map(|(who, other)| inner(who, other))
            .collect();
        assert_eq!(shown, expected, "{acme} {globex}");
    }
}
