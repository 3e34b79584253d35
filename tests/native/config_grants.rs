//! Every message about grants, and about what must go together with them.

use serde_json::{Value, json};

use crate::config_tenants::{each_shows, shown};

const GRANT: &str = "/grants/0";

/// A grant of acme's to everybody, with something else.
fn grant(more: Value) -> Value {
    let mut grant = json!({"tenant": "acme", "who": "all", "may": ["read"]});
    for (name, value) in more.as_object().unwrap() {
        grant[name] = value.clone();
    }
    grant
}

#[test]
fn what_a_grant_must_have() {
    let action = "must be a class (read, write, commit, admin, sign, credentials, config, all) or an operation by its name \
                  in the REST spec, as loadTable";
    each_shows(&[
        ("/grants", json!([]), "grants: must hold 1 to 65536"),
        (
            "/grants",
            json!({}),
            "grants: must be a list, not an object",
        ),
        (
            GRANT,
            json!("all"),
            "grants[0]: must be an object, not text",
        ),
        (
            GRANT,
            json!({"who": "all", "may": ["read"]}),
            "grants[0].tenant: must be set; a grant holds within one tenant's border",
        ),
        (
            GRANT,
            json!({"tenant": "acme", "may": ["read"]}),
            "grants[0].who: must be set; the gate does not guess whom a grant is for; write all for everybody",
        ),
        (
            GRANT,
            json!({"tenant": "acme", "who": "all"}),
            "grants[0]: must have may or deny, or both",
        ),
        (
            GRANT,
            grant(json!({"may": []})),
            "grants[0].may: must hold 1 to 256",
        ),
        (
            GRANT,
            grant(json!({"deny": "read"})),
            "grants[0].deny: must be a list, not text",
        ),
        (
            GRANT,
            grant(json!({"may": ["raed", "read", "LoadTable"]})),
            &format!("grants[0].may[0]: {action}\ngrants[0].may[2]: {action}"),
        ),
        (
            GRANT,
            grant(json!({"may": ["token"]})),
            &format!("grants[0].may[0]: {action}"),
        ),
        (
            GRANT,
            grant(json!({"may": ["getToken"]})),
            "grants[0].may[0]: is nobody's to grant",
        ),
        (
            GRANT,
            grant(json!({"tenant": "acem"})),
            "grants[0].tenant: names no tenant of this configuration; did you mean acme?",
        ),
        (
            GRANT,
            grant(json!({"tenants": ["acme"]})),
            "grants[0].tenants: is unknown; did you mean tenant?",
        ),
    ]);
    let may = [
        "read",
        "write",
        "commit",
        "admin",
        "sign",
        "credentials",
        "config",
        "all",
        "loadTable",
        "signS3Request",
    ];
    assert_eq!(
        shown(&[(GRANT, grant(json!({"may": may, "deny": ["dropTable"]})))]),
        [""; 0]
    );
}

#[test]
fn whose_a_grant_is() {
    let who = "/grants/0/who";
    let engineers = json!({"claim": "groups", "has": "engineers"});
    each_shows(&[
        (
            who,
            json!("everybody"),
            "grants[0].who: must be all, a condition, or a list of them",
        ),
        (who, json!([]), "grants[0].who: must not be an empty list"),
        // Acme's people come from two issuers.
        (
            who,
            engineers.clone(),
            "grants[0].who.issuer: must be set; a claim means what its issuer means by it",
        ),
        (
            who,
            json!({"issuer": "corp", "claim": "groups"}),
            "grants[0].who.has: must be set with claim; a claim's value decides",
        ),
        (
            who,
            json!([{"issuer": "corp", "sub": "x"}, {"issuer": "x", "sub": "x"}]),
            "grants[0].who[1].issuer: names no issuer of this configuration",
        ),
    ]);
    let only_corp = (
        "/tenants/acme/who",
        json!({"issuer": "corp", "claim": "groups", "has": "/t/acme"}),
    );
    assert_eq!(shown(&[only_corp.clone(), (who, engineers)]), [""; 0]);
    assert_eq!(
        shown(&[only_corp, (who, json!({"issuer": "ci", "sub": "acme-bot"}))]),
        [
            "grants[0].who.issuer: is ci, from which none of the people of tenants.acme come; nobody would ever be meant"
        ]
    );
}

#[test]
fn where_a_grant_holds() {
    let at = "/grants/0/at";
    let raw = |place: Value| json!({"polaris": {"acme_raw": [place]}});
    let level = "must be the whole name of one level, \"*\" for any, or \"**\" at the end";
    let of_raw = |message: &str| format!("grants[0].at.polaris.acme_raw[0]{message}");
    each_shows(&[
        (at, json!({}), "grants[0].at: must hold at least one"),
        (
            at,
            json!(["polaris"]),
            "grants[0].at: must be an object, not a list",
        ),
        (
            at,
            json!({"polarsi": ["acme_raw"]}),
            "grants[0].at.polarsi: is no catalog of this configuration; did you mean polaris?",
        ),
        (
            at,
            json!({"polaris": "acme_raw"}),
            "grants[0].at.polaris: must be a list of warehouses, or places by warehouse, not text",
        ),
        (
            at,
            json!({"polaris": []}),
            "grants[0].at.polaris: must hold 1 to 256",
        ),
        (
            at,
            json!({"polaris": {}}),
            "grants[0].at.polaris: must hold at least one",
        ),
        (
            at,
            json!({"polaris": ["acme_raw", "globex_raw"]}),
            "grants[0].at.polaris[1]: is no warehouse within the tenant's reach; write it as reach has it",
        ),
        (
            at,
            json!({"nessie": ["main"], "keeper": {"ACME": [["x"]]}}),
            "grants[0].at.keeper.ACME: is no warehouse within the tenant's reach; write it as reach has it\n\
             grants[0].at.nessie[0]: is no warehouse within the tenant's reach; write it as reach has it",
        ),
        (
            at,
            json!({"polaris": {"acme_raw": []}}),
            "grants[0].at.polaris.acme_raw: must hold 1 to 256",
        ),
        (
            at,
            raw(json!("sales")),
            &of_raw(": must be a list of the levels of a namespace, not text"),
        ),
        (
            at,
            raw(json!([1])),
            &of_raw("[0]: must be text, not a number"),
        ),
        (at, raw(json!([""])), &of_raw(&format!("[0]: {level}"))),
        (
            at,
            raw(json!(["sales", "a*"])),
            &of_raw(&format!("[1]: {level}")),
        ),
        (at, raw(json!(["***"])), &of_raw(&format!("[0]: {level}"))),
        (
            at,
            raw(json!(["**", "x"])),
            &of_raw("[1]: stands behind \"**\", which is the end"),
        ),
        (
            at,
            raw(json!({"table": "t"})),
            &of_raw(".namespace: must be set; an object lies in one"),
        ),
        (
            at,
            raw(json!({"namespace": ["sales"]})),
            &of_raw(": must name one table or one view"),
        ),
        (
            at,
            raw(json!({"namespace": ["sales"], "table": "t", "view": "v"})),
            &of_raw(": must name one table or one view"),
        ),
        (
            at,
            raw(json!({"namespace": ["sales"], "table": ""})),
            &of_raw(".table: must be a name, or \"*\" for any"),
        ),
        (
            at,
            raw(json!({"namespace": ["sales"], "table": "t", "function": "f"})),
            &of_raw(".function: is unknown; known here: namespace, table, view"),
        ),
    ]);
    let good = json!({"polaris": {"acme_raw": [
        [], ["*"], ["**"], ["sales", "**"], ["sales", "*", "x"], ["a.b"],
        {"namespace": ["sales", "**"], "table": "*"}, {"namespace": ["sales"], "view": "v@x"},
    ]}});
    assert_eq!(shown(&[(at, good)]), [""; 0]);
}

#[test]
fn a_name_that_no_request_has_denies_nothing() {
    let dot =
        "has a level with a dot in it, which such a catalog takes for two levels; write them apart";
    let expression = "has a name that Nessie reads as an expression; write the table's own name, and at which warehouse";
    let nessie =
        |name: &str| json!({"nessie": {"main|acme": [{"namespace": ["sales"], "table": name}]}});
    let at = "/grants/0/at";
    each_shows(&[
        (
            at,
            json!({"rest": {"acme": [["a", "**"], ["a.b"]]}}),
            &format!("grants[0].at.rest.acme[1]: {dot}"),
        ),
        (
            at,
            nessie("t@dev"),
            &format!("grants[0].at.nessie.\"main|acme\"[0]: {expression}"),
        ),
        (at, nessie("t.x"), ""),
    ]);
}

#[test]
fn what_goes_together() {
    let holds = |why: &str| {
        format!(
            "allow_on_headers_stop_iteration: must be true, here and beside vm_config in Envoy's configuration of the \
             filter; {why} cannot be held without reading requests' bodies"
        )
    };
    let stop = "/allow_on_headers_stop_iteration";
    each_shows(&[
        (
            "/tenants",
            Value::Null,
            "tenants: must be set with access: grants; grants hold within a tenant's border",
        ),
        (
            "/grants",
            Value::Null,
            "grants: must be set with access: grants; nothing would be allowed",
        ),
        (
            "/access",
            json!("catalog_decides"),
            "grants: says nothing with access: catalog_decides; write access: grants, or leave it out",
        ),
        ("/report_only", json!({"grants": true}), ""),
        (
            "/report_only",
            json!({"border": true}),
            "report_only.border: is unknown; known here: grants",
        ),
        (
            "/report_only",
            json!({"grants": "yes"}),
            "report_only.grants: must be true or false, not text",
        ),
        ("/delegation", json!("remove"), ""),
        (
            "/delegation",
            json!("drop"),
            "delegation: must be one of remove, refuse",
        ),
        (stop, Value::Null, &holds("access: grants")),
        (stop, json!(false), &holds("access: grants")),
    ]);
    let decides = [
        ("/access", json!("catalog_decides")),
        ("/grants", Value::Null),
        (stop, json!(false)),
    ];
    let more = |more: &[(&str, Value)]| shown(&[&decides, more].concat());
    assert_eq!(more(&[]), [holds("locations of tenants")]);
    let free = [
        ("/tenants/acme/locations", json!("catalog_decides")),
        ("/tenants/globex/locations", json!("catalog_decides")),
    ];
    let nessie = "tenants at a catalog of kind nessie, where a name in a body can lead to another reference,";
    assert_eq!(more(&free), [holds(nessie)]);
    let no_nessie = [
        ("/tenants/acme/reach/nessie", Value::Null),
        ("/tenants/globex/reach/nessie", Value::Null),
    ];
    assert_eq!(more(&[free, no_nessie].concat()), [""; 0]);
    assert_eq!(
        more(&[
            ("/report_only", json!({"grants": true})),
            (stop, json!(true))
        ]),
        ["report_only.grants: says nothing with access: catalog_decides"]
    );
}

#[test]
fn denied_persons() {
    each_shows(&[
        ("/denied", json!([]), "denied: must hold 1 to 65536"),
        (
            "/denied",
            json!({"sub": "x"}),
            "denied: must be a list, not an object",
        ),
        (
            "/denied",
            json!([{"issuer": "corp", "sub": "x"}, {"sub": "y"}]),
            "denied[1].issuer: must be set; a claim means what its issuer means by it",
        ),
        (
            "/denied",
            json!([{"issuer": "corp"}]),
            "denied[0]: must have claim and has, or sub alone",
        ),
        (
            "/denied",
            json!([{"issuer": "corp", "sub": ["a", "b"]}]),
            "",
        ),
    ]);
}

#[test]
fn all_faults_at_once() {
    let lines = shown(&[
        ("/catalogs/keeper/kind", json!("unity")),
        ("/tenants/acme/who/1/issuer", json!("cii")),
        ("/tenants/acme/reach/polaris/1", json!("acme_raw")),
        ("/tenants/globex/who", json!([])),
        ("/tenants/globex/locations", json!("s3://acme/in")),
        (
            "/tenants/globex/token",
            json!({"polaris": {"audience": "icegate"}}),
        ),
        (
            "/grants/0/at",
            json!({"keeper": ["acme"], "nessie": ["x"], "polaris": {"acme_raw": [["*x"]]}}),
        ),
        ("/grants/1/who", json!({"claim": "groups", "has": "x"})),
        (
            "/grants/2",
            json!({"tenant": "umbrella", "who": "all", "may": ["read"]}),
        ),
        ("/denied", json!([{"issuer": "entra", "sub": "x"}])),
        ("/limits", json!({"request_body": 1})),
    ]);
    assert_eq!(
        lines,
        [
            "catalogs.keeper.kind: must be one of iceberg, nessie, polaris, lakekeeper",
            "denied[0].issuer: names no issuer of this configuration",
            "grants[0].at.polaris.acme_raw[0][0]: must be the whole name of one level, \"*\" for any, or \"**\" at the end",
            "grants[2].tenant: names no tenant of this configuration",
            "limits.request_body: must be a whole number between 1024 and 67108864",
            "tenants.acme.reach.polaris[1]: stands there twice",
            "tenants.acme.who[1].issuer: names no issuer of this configuration; did you mean ci?",
            "tenants.globex.locations: has a location within one of tenants.acme; each could read and write the other's files",
            "tenants.globex.token.polaris.audience: is an audience of the gate itself; a token that was made for the catalog \
             could be replayed at the gate",
            "tenants.globex.who: must not be an empty list",
        ]
    );
}
