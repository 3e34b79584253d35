//! Programs at the catalogs: who is one, what it may, and within whose border.

use icegate::config::Grant;
use icegate::identity::{Caller, Proof, Standing};
use icegate::policy::Handed;
use serde_json::{Value, json};

use crate::desk::{Desk, Request, get, holder, robot};
use crate::idp::{CORP, NOW};
use crate::tokens::claims;

const TABLE: &str = "/api/catalog/v1/acme_raw/namespaces/db/tables/t";
const CONFIG: &str = "/api/catalog/v1/config?warehouse=acme_raw";

/// Trino of acme's, with something else in its block; `null` takes a member away.
fn trino(more: &Value) -> Value {
    let mut block = json!({
        "who": {"issuer": "corp", "sub": "91aa", "azp": "trino"}, "tenant": "acme", "may": ["config"],
    });
    let members = block.as_object_mut().expect("a block");
    for (member, value) in more.as_object().expect("a block") {
        match value {
            Value::Null => drop(members.remove(member)),
            value => drop(members.insert(member.clone(), value.clone())),
        }
    }
    json!({ "trino": block })
}

/// A desk that lists Trino.
fn listing(more: &Value, changes: &[(&str, Value)]) -> Desk {
    let changes = [&[("/services", trino(more))], changes].concat();
    Desk::with(&changes)
}

/// What Trino's own token says, by client credentials at Keycloak.
pub(crate) fn own(more: Value) -> Value {
    let mut claims = json!({
        "preferred_username": "service-account-trino", "azp": "trino", "jti": "trrtcc:b2ef", "groups": null,
    });
    for (claim, value) in more.as_object().expect("claims") {
        claims[claim] = value.clone();
    }
    claims
}

/// Whoever sends a token of corp's with more claims; `null` takes one away.
pub(crate) fn token(desk: &Desk, subject: &str, more: &Value) -> Caller {
    let mut all = claims(CORP, "icegate", subject, NOW + 60);
    let members = all.as_object_mut().expect("claims");
    for (claim, value) in more.as_object().expect("claims") {
        match value {
            Value::Null => drop(members.remove(claim)),
            value => drop(members.insert(claim.clone(), value.clone())),
        }
    }
    holder(&desk.config, &all)
}

fn engine(desk: &Desk) -> Caller {
    token(desk, "91aa", &own(json!({})))
}

fn reason(desk: &Desk, caller: &Caller, request: &Request<'_>) -> &'static str {
    match desk.ask(caller, request) {
        Ok(_) => "yes",
        Err(denial) => denial.refusal.reason.name(),
    }
}

fn with_body<'a>(path: &'a str, body: Value) -> Request<'a> {
    Request {
        method: "POST",
        path,
        body: Some(body),
        delegation: None,
    }
}

/// Paths of every catalog, within and outside of acme's border.
const PATHS: [(&str, &str); 8] = [
    ("GET", CONFIG),
    ("GET", TABLE),
    ("GET", "/api/catalog/v1/globex_raw/namespaces"),
    ("GET", "/iceberg/v1/main/namespaces"),
    ("GET", "/iceberg/v1/config"),
    ("GET", "/catalog/v1/x/namespaces"),
    ("DELETE", "/rest/v1/big/namespaces/db/tables/t"),
    ("POST", "/catalog/v1/aws/s3/sign"),
];

#[test]
fn a_program_that_is_not_listed_is_refused_everywhere() {
    let nobody_decides = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
    ];
    let desks = [
        Desk::with(&[]),
        Desk::with(&nobody_decides),
        Desk::with(&[("/report_only", json!({"grants": true}))]),
        listing(&json!({"may": ["all"]}), &[]),
        listing(
            &json!({"may": ["all"], "tenant": null}),
            &nobody_decides[..],
        ),
    ];
    for desk in &desks {
        for claims in [
            own(json!({})),
            own(json!({"preferred_username": null})),
            own(json!({"jti": null, "groups": ["/t/acme"]})),
            json!({"idtyp": "app"}),
            json!({"gty": "client-credentials"}),
            json!({"azp": "dbt", "sub": "dbt"}),
            json!({"azp": null, "cid": "dbt", "sub": "dbt"}),
        ] {
            let program = token(desk, "dbt-sa", &claims);
            assert_eq!(
                (program.standing(), program.proof()),
                (Standing::Program, Proof::Program)
            );
            for (method, path) in PATHS {
                let said = desk.says(&program, method, path);
                assert!(
                    said.starts_with("program_not_listed: "),
                    "{method} {path}: {said}"
                );
            }
        }
    }
    assert_eq!(
        desks[0].says(&engine(&desks[0]), "GET", TABLE),
        "program_not_listed: service-account-trino is a program of identity provider 'corp' that this gate does not list: \
         its operator must write it under services, with who: {issuer: corp, sub: 91aa} and what it may do (may); if this \
         is a person's query, the person's token has expired and the engine has gone on as its own account: sign in again"
    );
}

/// What an operator says marks programs besides.
#[test]
fn further_marks_of_an_issuer() {
    let marks = json!([{"claim": "account.kind", "has": "robot"}, {"claim": "amr", "has": ["m2m", "cert"]}]);
    let desk = Desk::with(&[("/issuers/corp/programs", marks)]);
    for (claims, program) in [
        (json!({"account": {"kind": "robot"}}), true),
        (json!({"amr": ["pwd", "m2m"]}), true),
        (json!({"amr": "cert"}), true),
        (json!({"account": {"kind": "person"}}), false),
        (json!({"account": "robot"}), false),
        (json!({"amr": ["pwd"]}), false),
        (json!({}), false),
    ] {
        let mut claims = claims;
        claims["groups"] = json!(["/t/acme"]);
        let caller = token(&desk, "x", &claims);
        assert_eq!(caller.is_program(), program, "{claims}");
    }
    // They are one issuer's.
    let desk = Desk::with(&[(
        "/issuers/ci/programs",
        json!([{"claim": "groups", "has": "/t/acme"}]),
    )]);
    assert!(!desk.alice(&[]).is_program());
}

/// What the user of an engine sees that has gone on as its own account.
#[test]
fn a_listed_program_may_what_its_block_says_and_leads_to_the_cause() {
    let desk = listing(&json!({}), &[]);
    let engine = engine(&desk);
    assert_eq!(desk.says(&engine, "GET", CONFIG), "yes");
    let cause = "if this is a person's query, the person's token has expired and the engine has gone on as its own account: \
                 sign in again";
    assert_eq!(
        desk.says(&engine, "GET", TABLE),
        format!(
            "service_may_not: program trino may not loadTable, only: config (services.trino.may); {cause}"
        )
    );
    for (method, path) in PATHS {
        let said = reason(
            &desk,
            &engine,
            &Request {
                method,
                ..get(path)
            },
        );
        let expected = match path {
            CONFIG => "yes",
            // Nessie's default warehouse is acme's.
            "/iceberg/v1/config" => "yes",
            _ => "service_may_not",
        };
        assert_eq!(said, expected, "{method} {path}");
    }
    // The audit tells what was wanted, though nobody looked whose it is.
    let denial = desk.ask(&engine, &get(TABLE)).expect_err("refused");
    assert_eq!(denial.findings.demands[0].place.path(), ".db.t");
    assert_eq!(denial.findings.tenant, None);
    let desk = listing(&json!({"may": ["read", "updateTable"]}), &[]);
    assert_eq!(
        desk.says(&self::engine(&desk), "GET", CONFIG),
        format!(
            "service_may_not: program trino may not getConfig, only: read, updateTable (services.trino.may); {cause}"
        )
    );
}

/// A view that may not be loaded does not stand in the way of a table that may be.
#[test]
fn engines_ask_for_the_view_first() {
    let view = "/api/catalog/v1/acme_raw/namespaces/db/views/t";
    for (may, get_view, head_view) in [
        (json!(["loadTable"]), "view_hidden", "service_may_not"),
        (json!(["tableExists"]), "service_may_not", "view_hidden"),
        (json!(["read"]), "yes", "yes"),
        (json!(["loadView"]), "yes", "service_may_not"),
    ] {
        let desk = listing(&json!({ "may": may }), &[]);
        let engine = engine(&desk);
        let head = Request {
            method: "HEAD",
            ..get(view)
        };
        assert_eq!(reason(&desk, &engine, &get(view)), get_view, "{may}");
        assert_eq!(reason(&desk, &engine, &head), head_view, "{may}");
    }
}

/// `may` stands for the grants of a program: nobody needs to grant it anything, and nothing is granted besides.
#[test]
fn grants_add_nothing_to_a_program_and_deny_it_all_the_same() {
    let drop = Request {
        method: "DELETE",
        ..get(TABLE)
    };
    let no_grant = (
        "/grants",
        json!([{"tenant": "globex", "who": "all", "may": ["all"]}]),
    );
    let all = (
        "/grants",
        json!([{"tenant": "acme", "who": "all", "may": ["all"]}]),
    );
    let denied = (
        "/grants",
        json!([{"tenant": "acme", "who": "all", "deny": ["loadTable"], "at": {"polaris": {"acme_raw": [["db"]]}}}]),
    );
    for (grants, load, remove) in [
        (no_grant, "yes", "service_may_not"),
        (all, "yes", "service_may_not"),
        (denied, "grant_denied", "service_may_not"),
    ] {
        let desk = listing(&json!({"may": ["read", "config"]}), &[grants]);
        let engine = engine(&desk);
        assert_eq!(reason(&desk, &engine, &get(TABLE)), load);
        assert_eq!(reason(&desk, &engine, &drop), remove);
    }
    let by_who =
        json!([{"tenant": "acme", "who": {"issuer": "corp", "sub": "91aa"}, "deny": ["read"]}]);
    let desk = listing(&json!({"may": ["all"]}), &[("/grants", by_who)]);
    assert_eq!(reason(&desk, &engine(&desk), &get(TABLE)), "grant_denied");
}

/// Whatever of the grants is only reported: a program's `may` is its border.
#[test]
fn a_programs_border_is_never_only_reported() {
    let deny = json!([{"tenant": "acme", "who": "all", "deny": ["read"]}]);
    let reported = [("/report_only", json!({"grants": true})), ("/grants", deny)];
    let desk = listing(&json!({"may": ["loadTable"]}), &reported);
    let engine = engine(&desk);
    let permit = desk.permit(&engine, &get(TABLE));
    let found = permit.findings().reported.as_ref().expect("reported");
    assert_eq!(found.reason.name(), "grant_denied");
    let listed = get("/api/catalog/v1/acme_raw/namespaces");
    assert_eq!(reason(&desk, &engine, &listed), "service_may_not");
    // Nor are credentials that it may not have.
    let wish = Request {
        delegation: Some("vended-credentials"),
        ..get(TABLE)
    };
    let handed = desk.permit(&engine, &wish).delegation();
    assert_eq!(handed.header, Some(None));
    assert!(handed.withhold_credentials && handed.withhold_signing);
    // A person's are, then.
    let alice = desk.alice(&[]);
    assert_eq!(desk.permit(&alice, &wish).delegation(), Handed::default());
}

#[test]
fn the_catalog_decides_over_people_and_not_over_a_programs_may() {
    let decides = [
        ("/access", json!("catalog_decides")),
        ("/grants", Value::Null),
    ];
    let desk = listing(&json!({"may": ["read"]}), &decides);
    let engine = engine(&desk);
    assert_eq!(reason(&desk, &engine, &get(TABLE)), "yes");
    let drop = Request {
        method: "DELETE",
        ..get(TABLE)
    };
    assert_eq!(reason(&desk, &engine, &drop), "service_may_not");
    assert_eq!(reason(&desk, &desk.alice(&[]), &drop), "yes");
    let wish = Request {
        delegation: Some("vended-credentials,remote-signing"),
        ..get(TABLE)
    };
    let handed = desk.permit(&engine, &wish).delegation();
    assert_eq!(handed.header, Some(None));
    assert_eq!(
        desk.permit(&desk.alice(&[]), &wish).delegation(),
        Handed::default()
    );
}

/// Whatever a request wants besides what its path says, it must be in `may` too.
#[test]
fn every_demand_is_held() {
    let raw = "/api/catalog/v1/acme_raw";
    let commit = json!({"identifier": {"namespace": ["db"], "name": "t"}, "requirements": [], "updates": []});
    let makes = json!({"requirements": [{"type": "assert-create"}], "updates": []});
    let recursive = format!("{raw}/namespaces/db?recursive=true");
    let refers = format!("{TABLE}?referenced-by=db%1Fv");
    let transaction = format!("{raw}/transactions/commit");
    let plan = format!("{TABLE}/plan/p");
    let table: [(&str, Request<'_>, &str); 11] = [
        (
            "updateTable",
            with_body(TABLE, json!({"requirements": [], "updates": []})),
            "yes",
        ),
        (
            "updateTable",
            with_body(TABLE, makes.clone()),
            "service_may_not",
        ),
        ("updateTable,createTable", with_body(TABLE, makes), "yes"),
        (
            "commitTransaction",
            with_body(&transaction, json!({"table-changes": [commit]})),
            "service_may_not",
        ),
        (
            "commit",
            with_body(&transaction, json!({"table-changes": [commit]})),
            "yes",
        ),
        (
            "dropNamespace",
            Request {
                method: "DELETE",
                ..get(&recursive)
            },
            "service_may_not",
        ),
        (
            "write",
            Request {
                method: "DELETE",
                ..get(&recursive)
            },
            "yes",
        ),
        ("loadTable", get(&refers), "service_may_not"),
        ("loadTable,loadView", get(&refers), "yes"),
        ("fetchPlanningResult", get(&plan), "service_may_not"),
        ("fetchPlanningResult,loadTable", get(&plan), "yes"),
    ];
    let alone = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
    ];
    for (may, request, expected) in table {
        let may: Vec<&str> = may.split(',').collect();
        let desk = listing(&json!({ "may": may }), &[]);
        assert_eq!(
            reason(&desk, &engine(&desk), &request),
            expected,
            "{may:?} {}",
            request.path
        );
        // Without tenants no body is read; path and query say the same.
        if request.body.is_none() {
            let desk = listing(&json!({"may": may, "tenant": null}), &alone);
            assert_eq!(
                reason(&desk, &engine(&desk), &request),
                expected,
                "{may:?} {}",
                request.path
            );
        }
    }
}

#[test]
fn a_query_that_says_two_things_is_refused_to_programs_without_tenants() {
    let alone = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
    ];
    let desk = listing(&json!({"may": ["all"], "tenant": null}), &alone);
    let twice = "/api/catalog/v1/acme_raw/namespaces/db?recursive=false&recursive=true";
    let drop = Request {
        method: "DELETE",
        ..get(twice)
    };
    assert_eq!(reason(&desk, &engine(&desk), &drop), "path_query_duplicate");
    // To persons it is the catalog's to read, as it was.
    assert_eq!(reason(&desk, &desk.alice(&[]), &drop), "yes");
}

#[test]
fn the_border_of_a_program() {
    let globex = "/api/catalog/v1/globex_raw/namespaces";
    let acme = "/api/catalog/v1/acme_raw/namespaces";
    for (tenant, groups, acmes, globexs) in [
        (json!("acme"), json!(null), "yes", "outside_border"),
        (json!(["acme", "globex"]), json!(null), "yes", "yes"),
        (json!(null), json!(null), "tenant_none", "tenant_none"),
        (json!(null), json!(["/t/globex"]), "outside_border", "yes"),
        (json!("acme"), json!(["/t/globex"]), "yes", "yes"),
    ] {
        let desk = listing(&json!({"may": ["read"], "tenant": tenant}), &[]);
        let engine = token(&desk, "91aa", &own(json!({ "groups": groups })));
        assert_eq!(
            reason(&desk, &engine, &get(acme)),
            acmes,
            "{tenant} {groups}"
        );
        assert_eq!(
            reason(&desk, &engine, &get(globex)),
            globexs,
            "{tenant} {groups}"
        );
    }
    let desk = listing(&json!({"may": ["read"], "tenant": null}), &[]);
    assert_eq!(
        desk.says(&engine(&desk), "GET", acme),
        "tenant_none: program trino is within the border of no tenant of this gate: its operator must write \
         services.trino.tenant"
    );
}

/// A program's files lie where its tenant's do, its names are plain, and it moves nothing away from a deny.
#[test]
fn what_holds_for_everybody_holds_for_programs() {
    let deny = json!([{"tenant": "acme", "who": "all", "deny": ["read"], "at": {"polaris": {"acme_raw": [["pii", "**"]]}}}]);
    let desk = listing(&json!({"may": ["all"]}), &[("/grants", deny)]);
    let engine = engine(&desk);
    let raw = "/api/catalog/v1/acme_raw";
    let outside = json!({"name": "t", "location": "s3://globex/x"});
    let register = json!({"name": "t", "metadata-location": "s3://globex/m"});
    let moved = json!({"source": {"namespace": ["pii"], "name": "t"}, "destination": {"namespace": ["db"], "name": "t"}});
    let stays = json!({"source": {"namespace": ["a"], "name": "t"}, "destination": {"namespace": ["b"], "name": "t"}});
    for (path, body, expected) in [
        (
            format!("{raw}/namespaces/db/tables"),
            outside,
            "location_outside",
        ),
        (
            format!("{raw}/namespaces/db/register"),
            register,
            "location_outside",
        ),
        (format!("{raw}/tables/rename"), moved, "grant_widened"),
        (format!("{raw}/tables/rename"), stays, "yes"),
    ] {
        assert_eq!(
            reason(&desk, &engine, &with_body(&path, body)),
            expected,
            "{path}"
        );
    }
    let expression = "/iceberg/v1/main/namespaces/db/tables/t@dev";
    assert_eq!(reason(&desk, &engine, &get(expression)), "name_expression");
}

#[test]
fn credentials_and_signatures_are_a_programs_by_its_may() {
    let both = "vended-credentials,remote-signing";
    let alone = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
    ];
    for (may, header, withheld) in [
        (json!(["read"]), Some(None), [true, true]),
        (
            json!(["read", "credentials"]),
            Some(Some("vended-credentials")),
            [false, true],
        ),
        (
            json!(["read", "sign"]),
            Some(Some("remote-signing")),
            [true, false],
        ),
        (json!(["all"]), None, [false, false]),
    ] {
        let with_tenants = listing(&json!({ "may": may }), &[]);
        let without = listing(&json!({"may": may, "tenant": null}), &alone);
        for desk in [&with_tenants, &without] {
            let wish = Request {
                delegation: Some(both),
                ..get(TABLE)
            };
            let handed = desk.permit(&engine(desk), &wish).delegation();
            assert_eq!(handed.header, header, "{may}");
            assert_eq!(
                [handed.withhold_credentials, handed.withhold_signing],
                withheld,
                "{may}"
            );
            // Where nothing of a table comes back there is nothing to hand out.
            let listed = Request {
                delegation: Some(both),
                ..get("/api/catalog/v1/acme_raw/namespaces/db/tables")
            };
            assert_eq!(
                desk.permit(&engine(desk), &listed).delegation(),
                Handed::default()
            );
        }
        let refuse = [("/delegation", json!("refuse"))];
        let desk = listing(&json!({ "may": may }), &refuse);
        let wish = Request {
            delegation: Some(both),
            ..get(TABLE)
        };
        let expected = if header.is_some() {
            "delegation_refused"
        } else {
            "yes"
        };
        assert_eq!(reason(&desk, &engine(&desk), &wish), expected, "{may}");
        let desk = listing(
            &json!({"may": may, "tenant": null}),
            &[&alone[..], &refuse].concat(),
        );
        assert_eq!(reason(&desk, &engine(&desk), &wish), expected, "{may}");
    }
    // At Nessie the path of a signature does not say which table it is about.
    let desk = listing(&json!({"may": ["read", "signRequest"]}), &[]);
    let nessie = get("/iceberg/v1/main/namespaces/db/tables/t");
    assert!(
        desk.permit(&engine(&desk), &nessie)
            .delegation()
            .withhold_signing
    );
}

#[test]
fn a_program_is_held_to_its_connection() {
    let spiffe = "spiffe://example.com/trino";
    let who = json!({"issuer": "corp", "sub": "91aa", "azp": "trino", "peer": spiffe});
    let mut desk = listing(&json!({ "who": who }), &[]);
    let (engine, alice) = (engine(&desk), desk.alice(&[]));
    assert!(desk.config.asks_peer());
    let known = |named: &str| desk.config.peer(named.as_bytes()).map(|peer| &**peer);
    assert_eq!(known(spiffe), Some(spiffe));
    for other in [
        "",
        "spiffe://example.com/trino2",
        "spiffe://example.com/trin",
        "SPIFFE://example.com/trino",
    ] {
        assert_eq!(known(other), None, "{other}");
    }
    for (peer, expected) in [
        (Some(spiffe), "yes"),
        (None, "program_peer"),
        (Some("spiffe://example.com/dbt"), "program_peer"),
    ] {
        desk.peer = peer.map(str::to_owned);
        assert_eq!(reason(&desk, &engine, &get(CONFIG)), expected);
        assert_eq!(reason(&desk, &alice, &get(TABLE)), "yes");
    }
    desk.peer = None;
    assert_eq!(
        desk.says(&engine, "GET", CONFIG),
        "program_peer: program trino calls by a connection whose certificate does not name it, or that has none \
         (services.trino.who.peer)"
    );
    assert!(!listing(&json!({}), &[]).config.asks_peer());
}

/// Only a program's own token is its own.
#[test]
fn whoever_is_not_the_program_is_not_the_program() {
    let desk = listing(&json!({"may": ["all"]}), &[]);
    // A person who logged in through Trino's client.
    let through = json!({"azp": "trino", "client_id": "trino", "groups": ["/t/acme"]});
    let alice = token(&desk, "alice", &through);
    assert_eq!(alice.standing(), Standing::Person);
    assert_eq!(alice.authorized_party(), Some("trino"));
    // Trino's subject, by another client; then it is a program that nobody listed, or somebody of that subject.
    let other = token(&desk, "91aa", &own(json!({"azp": "evil"})));
    assert_eq!(other.standing(), Standing::Program);
    let nobody = token(&desk, "91aa", &json!({}));
    assert_eq!(nobody.standing(), Standing::Person);
    assert_eq!(reason(&desk, &nobody, &get(TABLE)), "tenant_none");
    // Trino's subject at another identity provider.
    let foreign = robot(&desk.config, "91aa");
    assert_eq!(foreign.standing(), Standing::Person);
    // A name that says so, and nothing else.
    let named = token(
        &desk,
        "mallory",
        &json!({"preferred_username": "service-account-trino"}),
    );
    assert_eq!(named.standing(), Standing::Program);
    assert_eq!(reason(&desk, &named, &get(TABLE)), "program_not_listed");
}

/// An account of its own for some operations; the exchange for the others.
#[test]
fn by_its_own_account() {
    let account = json!({"client_credentials": {
        "from": "corp", "id": "trino-lake", "secret": {"env": "ICEGATE_SECRET"}, "for": ["config"],
    }});
    for tenants in [true, false] {
        let more = json!({"may": ["config", "read"], "token": account, "tenant": tenants.then_some("acme")});
        let alone = [
            ("/access", json!("catalog_decides")),
            ("/tenants", Value::Null),
            ("/grants", Value::Null),
        ];
        let desk = listing(&more, if tenants { &[] } else { &alone });
        let engine = engine(&desk);
        for (path, grant, client) in [
            (CONFIG, Grant::ClientCredentials, "trino-lake"),
            (TABLE, Grant::Exchange, "icegate"),
            (
                "/iceberg/v1/config?warehouse=acme",
                Grant::ClientCredentials,
                "trino-lake",
            ),
        ] {
            let permit = desk.permit(&engine, &get(path));
            let context = desk.config.context(permit.context()).expect("a context");
            assert_eq!(context.grant, grant, "{path}");
            assert_eq!(&*desk.config.client(context).expect("a client").id, client);
            assert_eq!(context.catalog, permit.catalog());
            assert_eq!(context.tenant.is_some(), tenants);
        }
        let permit = desk.permit(&desk.alice(&[]), &get(CONFIG));
        assert_eq!(
            desk.config
                .context(permit.context())
                .expect("a context")
                .grant,
            Grant::Exchange
        );
    }
}

/// A program of one identity provider with an account at another: no exchange is made there.
#[test]
fn an_account_at_another_identity_provider() {
    let account = json!({"client_credentials": {"from": "corp", "id": "bot-lake", "secret": {"env": "ICEGATE_SECRET"}}});
    let bot = json!({"bot": {
        "who": {"issuer": "ci", "sub": "dbt"}, "tenant": "acme", "may": ["config", "read"], "token": account,
    }});
    let desk = Desk::with(&[("/services", bot)]);
    let program = robot(&desk.config, "dbt");
    assert!(matches!(program.standing(), Standing::Service(_)));
    for path in [CONFIG, TABLE, "/iceberg/v1/main/namespaces"] {
        let permit = desk.permit(&program, &get(path));
        let context = desk.config.context(permit.context()).expect("a context");
        assert_eq!(context.grant, Grant::ClientCredentials);
        assert_eq!(
            &*desk.config.issuers[usize::from(context.token.from.0)].name,
            "corp"
        );
    }
    // It leads to catalogs that get their tokens there; at others the program's own token is exchanged.
    let permit = desk.permit(&program, &get("/rest/v1/big/namespaces"));
    let context = desk.config.context(permit.context()).expect("a context");
    assert_eq!(context.grant, Grant::Exchange);
    // Without one, what is exchanged is exchanged where it comes from.
    let bot = json!({"bot": {"who": {"issuer": "ci", "sub": "dbt"}, "tenant": "acme", "may": ["config", "read"]}});
    let desk = Desk::with(&[("/services", bot)]);
    let program = robot(&desk.config, "dbt");
    assert_eq!(reason(&desk, &program, &get(TABLE)), "issuer_not_served");
    assert_eq!(
        reason(&desk, &program, &get("/rest/v1/big/namespaces")),
        "yes"
    );
}

/// Its account is within the border that is written: among another tenant's people it has none.
#[test]
fn an_account_leads_no_further_than_its_tenants() {
    let account = json!({"client_credentials": {"from": "corp", "id": "trino-lake", "secret": {"env": "ICEGATE_SECRET"}}});
    let desk = listing(&json!({"may": ["read"], "token": account}), &[]);
    let engine = token(&desk, "91aa", &own(json!({"groups": ["/t/globex"]})));
    assert_eq!(reason(&desk, &engine, &get(TABLE)), "yes");
    assert_eq!(
        desk.says(&engine, "GET", "/api/catalog/v1/globex_raw/namespaces"),
        "service_may_not: program trino has no account of its own within this tenant's border (services.trino.tenant)"
    );
}

/// Off-boarded programs are off-boarded.
#[test]
fn a_denied_program() {
    let desk = listing(
        &json!({"may": ["all"]}),
        &[("/denied", json!([{"issuer": "corp", "sub": "91aa"}]))],
    );
    assert_eq!(reason(&desk, &engine(&desk), &get(CONFIG)), "caller_denied");
}

/// The client of Entra's v1 tokens and of Okta's.
#[test]
fn the_client_of_a_token() {
    let desk = Desk::with(&[]);
    for (claims, client) in [
        (json!({}), Some("engine-cli")),
        (json!({"azp": null, "client_id": "a"}), Some("a")),
        (json!({"azp": null, "appid": "b"}), Some("b")),
        (json!({"azp": null, "cid": "c"}), Some("c")),
        (json!({"azp": null, "cid": 7}), None),
        (
            json!({"client_id": "a", "appid": "b", "cid": "c"}),
            Some("engine-cli"),
        ),
    ] {
        let caller = token(&desk, "alice", &claims);
        assert_eq!(caller.authorized_party(), client, "{claims}");
    }
}
