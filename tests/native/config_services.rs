//! Every message about programs, their accounts, and for whom they speak.

use serde_json::{Value, json};

use crate::config_gate_tokens::{each_causes, shown};
use crate::lake::with;
use crate::support::{changed, load_value};

const TRINO: &str = "/services/trino";
const DBT: &str = "/services/dbt";
const TAKE_AWAY: Value = Value::Null;

#[test]
fn what_must_be_there_and_in_which_form() {
    let claim_value = "must be the exact value of a claim: not empty, no control character";
    let peer = "must be a URI or a DNS name of a certificate: 1 to 1024 visible ASCII characters";
    let action = "must be a class (read, write, commit, admin, sign, credentials, config, all) or an operation by its name \
                  in the REST spec, as loadTable";
    let token = "must be exchange, or {client_credentials: {...}}";
    each_causes(
        TRINO,
        &[
            (
                "/who",
                TAKE_AWAY,
                "",
                "must be set; a program is known by its own token",
            ),
            ("/who", json!([]), "", "must be an object, not a list"),
            (
                "/who/issuer",
                TAKE_AWAY,
                "",
                "must be set; a claim means what its issuer means by it",
            ),
            (
                "/who/issuer",
                json!("crop"),
                "",
                "names no issuer of this configuration; did you mean corp?",
            ),
            ("/who/sub", json!(""), "", claim_value),
            ("/who/sub", json!([]), "", "must not be an empty list"),
            (
                "/who/azp",
                json!("é"),
                "",
                "must be a client id: printable ASCII, and not empty (RFC 6749 appendix A.1)",
            ),
            ("/who/peer", json!(""), "", peer),
            ("/who/peer", json!("a b"), "", peer),
            (
                "/who/client_id",
                json!("x"),
                "",
                "is unknown; known here: issuer, claim, has, sub, azp, peer",
            ),
            (
                "/may",
                TAKE_AWAY,
                "",
                "must be set; what is not written is refused",
            ),
            ("/may", json!([]), "", "must hold 1 to 256"),
            (
                "/may",
                json!(["getToken"]),
                "services.trino.may[0]",
                "is nobody's to grant",
            ),
            (
                "/may",
                json!(["config", "reed"]),
                "services.trino.may[1]",
                action,
            ),
            ("/token", json!("client_credentials"), "", token),
            (
                "/token",
                json!({}),
                "services.trino.token.client_credentials",
                "must be set; it is the only way beside exchange",
            ),
            ("/token", json!([]), "", "must be an object, not a list"),
            (
                "/tenant",
                json!("acne"),
                "",
                "names no tenant of this configuration; did you mean acme?",
            ),
            (
                "/tenant",
                json!(["acme", "x"]),
                "services.trino.tenant[1]",
                "names no tenant of this configuration",
            ),
            (
                "/tenant",
                json!(["acme", "acme"]),
                "",
                "holds the same twice",
            ),
            (
                "/tenants",
                json!("acme"),
                "",
                "is unknown; did you mean tenant?",
            ),
        ],
    );
    each_causes(
        DBT,
        &[
            (
                "/token/client_credentials/from",
                TAKE_AWAY,
                "",
                "must be set; the gate must know where the account is",
            ),
            (
                "/token/client_credentials/from",
                json!("cop"),
                "",
                "names no issuer of this configuration; did you mean corp?",
            ),
            (
                "/token/client_credentials/id",
                TAKE_AWAY,
                "",
                "must be set; the identity provider must know whose account it is",
            ),
            (
                "/token/client_credentials/secret",
                TAKE_AWAY,
                "",
                "must be set; the gate must prove who it is; secret: {env: NAME} or secret: injected",
            ),
            (
                "/token/client_credentials/secret",
                json!({"env": "NOT_THERE"}),
                "",
                "environment variable NOT_THERE is missing or empty; set it for Envoy and name it in \
                 vm_config.environment_variables.host_env_keys",
            ),
            (
                "/token/client_credentials/authentication",
                json!("none"),
                "",
                "must be one of client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth",
            ),
            (
                "/token/client_credentials/for",
                json!([]),
                "",
                "must hold 1 to 256",
            ),
            (
                "/token/client_credentials/scope",
                json!(""),
                "",
                "must be scopes with one space between them (RFC 6749 section 3.3)",
            ),
        ],
    );
    assert_eq!(
        shown(&[("/services", json!({}))]),
        ["services: must hold at least one"]
    );
    let many: serde_json::Map<String, Value> =
        (0..1025).map(|n| (format!("s{n}"), json!({}))).collect();
    assert_eq!(
        shown(&[("/services", Value::Object(many))]),
        ["services: must hold at most 1024"]
    );
    assert_eq!(
        shown(&[(
            "/services/Trino",
            json!({"who": {"issuer": "corp", "sub": "x"}, "may": ["config"]})
        )]),
        [
            "services.Trino: is no name: it stands in metrics and messages, so it must be 1 to 63 of a-z, 0-9, _ and -"
        ]
    );
}

/// Rule 12: whatever is the client's stands in the tokens of people who log in through it, too.
#[test]
fn no_program_is_known_by_its_client_alone() {
    let claim = "also stands in the tokens of people who log in through that client; name what only the program's own token \
                 has: the sub of its service account, or a claim that says as much";
    for name in [
        "azp",
        "client_id",
        "clientId",
        "appid",
        "cid",
        "aud",
        "scope",
        "scp",
        "iss",
        "typ",
        "AZP",
        "client-id",
        "tid",
        "act.client_id",
    ] {
        for extra in [json!({}), json!({"azp": "trino"})] {
            let mut who = json!({"issuer": "corp", "claim": name, "has": "trino"});
            who.as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            each_causes(TRINO, &[("/who", who, "services.trino.who.claim", claim)]);
        }
    }
    let listed = json!({"issuer": "corp", "claim": ["client_id"], "has": "trino"});
    each_causes(
        TRINO,
        &[("/who", listed, "services.trino.who.claim", claim)],
    );
    each_causes(
        TRINO,
        &[
            (
                "/who",
                json!({"issuer": "corp", "azp": "trino"}),
                "",
                "must have sub, or claim and has, beside azp; the client alone also stands in the tokens of people who log \
                 in through it",
            ),
            (
                "/who",
                json!({"issuer": "corp"}),
                "",
                "must have claim and has, or sub alone",
            ),
            (
                "/who",
                json!({"issuer": "corp", "peer": "x"}),
                "",
                "must have claim and has, or sub alone",
            ),
            (
                "/who/claim",
                json!("groups"),
                "/services/trino/who",
                "must have claim and has, or sub alone",
            ),
            (
                "/who",
                json!({"issuer": "corp", "claim": "idtyp", "azp": "x"}),
                "services.trino.who.has",
                "must be set with claim; a claim's value decides",
            ),
            (
                "/who",
                json!({"issuer": "corp", "has": "app"}),
                "services.trino.who.claim",
                "must be set with has; it says whose value it is",
            ),
        ],
    );
    for good in [
        json!({"issuer": "corp", "claim": "idtyp", "has": "app", "azp": "trino"}),
        json!({"issuer": "corp", "claim": "preferred_username", "has": "service-account-trino"}),
        json!({"issuer": "corp", "claim": "resource_access.client.roles", "has": ["engine"]}),
        json!({"issuer": "corp", "sub": ["a", "b"]}),
    ] {
        assert_eq!(shown(&[("/services/trino/who", good)]), [""; 0]);
    }
}

#[test]
fn no_caller_is_two_programs() {
    let trino = |who: Value| ("/services/trino/who", who);
    let other = |who: Value| ("/services/other", json!({"who": who, "may": ["config"]}));
    let twins =
        "is also that of services.other; without an azp of each one's own a caller could be both";
    let ci = |sub: Value, azp: Option<&str>| {
        let mut who = json!({"issuer": "ci", "sub": sub});
        if let Some(azp) = azp {
            who["azp"] = json!(azp);
        }
        who
    };
    // ci has no gate tokens.
    for (a, b, lines) in [
        (ci(json!("x"), None), ci(json!("y"), None), vec![]),
        (ci(json!("x"), None), ci(json!("x"), None), vec![twins]),
        (
            ci(json!(["x", "y"]), None),
            ci(json!("y"), Some("b")),
            vec![twins],
        ),
        (
            ci(json!("x"), Some("a")),
            ci(json!("x"), Some("a")),
            vec![twins],
        ),
        (ci(json!("x"), Some("a")), ci(json!("x"), Some("b")), vec![]),
    ] {
        let silent = ("/services/trino/speaks_for", TAKE_AWAY);
        let lines: Vec<String> = lines
            .iter()
            .map(|line| format!("services.trino.who: {line}"))
            .collect();
        assert_eq!(shown(&[silent, trino(b), other(a)]), lines);
    }
    // At another issuer it is somebody else.
    assert_eq!(
        shown(&[
            trino(json!({"issuer": "corp", "sub": "x"})),
            other(ci(json!("x"), None))
        ]),
        [""; 0]
    );
    let corp = |azp: &str| json!({"issuer": "corp", "claim": "idtyp", "has": "app", "azp": azp});
    assert_eq!(
        shown(&[trino(corp("a")), other(corp("b"))]),
        [
            "services.trino.who: is also that of services.other, and azp does not tell them apart: what the gate itself \
             gets for them (gate_tokens.client) names the gate's client"
        ]
    );
    for id in ["icegate", "icegate-tokens"] {
        assert_eq!(
            shown(&[("/services/trino/who/azp", json!(id))]),
            [
                "services.trino.who.azp: is a client of the gate itself; a program has one of its own"
            ]
        );
    }
}

#[test]
fn a_program_can_reach_something() {
    let nothing = |issuer: &str| {
        format!(
            "names a program of issuer {issuer}, and no catalog that it can reach gets its tokens there (token.from); it \
             could do nothing"
        )
    };
    let of_ci = json!({"who": {"issuer": "ci", "sub": "x"}, "may": ["read"], "tenant": "acme"});
    assert_eq!(shown(&[("/services/x", of_ci.clone())]), [""; 0]);
    let keeper = [
        (
            "/tenants/acme/who",
            json!({"issuer": "corp", "claim": "groups", "has": "/t/acme"}),
        ),
        ("/tenants/acme/reach", json!({"keeper": ["acme"]})),
    ];
    let with_keeper = |service: &Value| [&keeper[..], &[("/services/x", service.clone())]].concat();
    let line = format!("services.x.who: {}", nothing("ci"));
    assert_eq!(shown(&with_keeper(&of_ci)), std::slice::from_ref(&line));
    // With an account of its own for all that it may do it needs no exchange; for a part of it, it does.
    let account = |operations: &[&str]| {
        json!({"client_credentials": {
            "from": "corp", "id": "x", "secret": {"env": "ICEGATE_SECRET"}, "for": operations,
        }})
    };
    let mut x = of_ci.clone();
    x["may"] = json!(["read", "write"]);
    x["token"] = account(&["read", "write"]);
    assert_eq!(shown(&with_keeper(&x)), [""; 0]);
    x["token"] = account(&["read"]);
    assert_eq!(shown(&with_keeper(&x)), [line]);
    // As one of a tenant's people.
    let mut anywhere = of_ci;
    anywhere.as_object_mut().unwrap().remove("tenant");
    assert_eq!(shown(&[("/services/x", anywhere.clone())]), [""; 0]);
    let small = changed(&[
        ("/services", json!({"x": anywhere})),
        (
            "/issuers/ci",
            json!({"profile": "rfc8693", "issuer": "https://ci.example.com", "cluster": "ci", "audiences": ["icegate"]}),
        ),
    ]);
    assert_eq!(
        load_value(&small).expect_err("nothing").to_string(),
        format!("services.x.who: {}", nothing("ci"))
    );
    let own = json!({"client_credentials": {"from": "corp", "id": "x", "secret": {"env": "ICEGATE_SECRET"}}});
    assert!(load_value(&with(small, &[("/services/x/token", own)])).is_ok());
}

#[test]
fn tenants_that_are_not_there() {
    let nothing = "says nothing without tenants, which the configuration does not have";
    let small = changed(&[
        ("/allow_on_headers_stop_iteration", json!(true)),
        (
            "/issuers/corp/gate_tokens",
            json!({"client": {"id": "tokens", "secret": {"env": "ICEGATE_SECRET"}}}),
        ),
        (
            "/services",
            json!({"x": {
                "who": {"issuer": "corp", "sub": "x"}, "may": ["read"], "tenant": "acme",
                "speaks_for": {"by": "impersonation", "tenants": ["acme"]},
            }}),
        ),
    ]);
    assert_eq!(
        load_value(&small).expect_err("no tenants").to_string(),
        format!("services.x.speaks_for.tenants: {nothing}\nservices.x.tenant: {nothing}")
    );
    // What is faulty with the tenants is said of them alone.
    assert_eq!(
        shown(&[("/tenants", json!([]))]),
        ["tenants: must be an object, not a list"]
    );
    assert_eq!(
        shown(&[("/tenants/acme/reach", json!({"polaris": []}))]),
        ["tenants.acme.reach.polaris: must hold 1 to 256"]
    );
}

#[test]
fn accounts_of_programs_own() {
    each_causes(
        DBT,
        &[
            (
                "/tenant",
                TAKE_AWAY,
                "",
                "must be set with an account of its own, which is used within one tenant's border or another's",
            ),
            (
                "/token/client_credentials/for",
                json!(["read", "commit"]),
                "",
                "holds what may does not; an account allows nothing by itself",
            ),
            (
                "/token/client_credentials/for",
                json!(["all"]),
                "",
                "holds what may does not; an account allows nothing by itself",
            ),
            (
                "/token/client_credentials/audience",
                json!(["lake", "icegate"]),
                "",
                "is an audience of the gate itself; a token that was made for the catalog could be replayed at the gate",
            ),
            (
                "/token/client_credentials",
                json!({"from": "corp", "id": "x", "secret": "injected", "cluster": "x", "authentication": "client_secret_post"}),
                "services.dbt.token.client_credentials.authentication",
                "must be left out with secret: injected; Envoy's credential injector sends the secret",
            ),
        ],
    );
    assert_eq!(
        shown(&[
            (
                "/tenants/acme/who",
                json!({"issuer": "corp", "claim": "groups", "has": "/t/acme"})
            ),
            ("/tenants/acme/reach", json!({"keeper": ["acme"]})),
            ("/services/dbt/token/client_credentials/from", json!("ci")),
        ]),
        [
            "services.dbt.token.client_credentials.from: names an issuer from which no catalog that it can reach gets its \
             tokens (token.from); the account would never be used"
        ]
    );
    assert_eq!(
        shown(&[
            ("/issuers/ci/keys", json!({"jwks_path": "/keys"})),
            ("/issuers/ci/client", TAKE_AWAY),
            ("/catalogs/rest/token/from", json!("corp")),
            (
                "/tenants/acme/token",
                json!({"rest": {"from": "ci", "client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}}}})
            ),
            (
                "/tenants/globex/who",
                json!({"issuer": "corp", "claim": "groups", "has": "/t/globex"})
            ),
            ("/services/dbt/token/client_credentials/from", json!("ci")),
        ]),
        [
            "services.dbt.token.client_credentials.from: names an issuer with keys.jwks_path and without token_path; nothing \
             tells where the account's tokens are got"
        ]
    );
}

#[test]
fn accounts_are_bounded() {
    let tenants: serde_json::Map<String, Value> = (0..1024)
        .map(|n| {
            let tenant = json!({
                "who": {"issuer": "corp", "sub": format!("p{n}")},
                "reach": {
                    "polaris": [format!("w{n}")], "nessie": [format!("r{n}|w{n}")], "keeper": [format!("w{n}")],
                    "rest": [format!("w{n}")],
                },
                "locations": "catalog_decides",
            });
            (format!("t{n}"), tenant)
        })
        .collect();
    let names: Vec<&String> = tenants.keys().collect();
    let service = |n: usize, names: &[&String]| {
        let service = json!({
            "who": {"issuer": "corp", "sub": format!("s{n}")}, "may": ["read"], "tenant": names,
            "token": {"client_credentials": {"from": "corp", "id": format!("s{n}"), "secret": {"env": "ICEGATE_SECRET"}}},
        });
        (format!("s{n}"), service)
    };
    let mut services: serde_json::Map<String, Value> = (0..4).map(|n| service(n, &names)).collect();
    let load = |services: &serde_json::Map<String, Value>| {
        shown(&[
            ("/catalogs/rest/token/from", json!("corp")),
            ("/catalogs/nessie/default_warehouse", TAKE_AWAY),
            ("/tenants", Value::Object(tenants.clone())),
            (
                "/grants",
                json!([{"tenant": "t0", "who": "all", "may": ["all"]}]),
            ),
            ("/services", Value::Object(services.clone())),
        ])
    };
    assert_eq!(load(&services), [""; 0]);
    services.extend([service(4, &names[..1])]);
    assert_eq!(
        load(&services),
        [
            "services.s4.token.client_credentials: is one too many; accounts of programs' own lead to at most 16384 catalogs \
             of tenants, all together"
        ]
    );
}

#[test]
fn for_whom_a_program_speaks() {
    let name = "must be a person's name: not empty, at most 1024 bytes, no space around it, no control character";
    let subject = "must hold {user} once, for the name as the engine says it, as in \"{user}@gate\"; at most 1024 bytes, no \
                   space around it, no control character";
    let base = "/services/trino/speaks_for";
    let long = "x".repeat(1025);
    each_causes(
        base,
        &[
            (
                "/by",
                TAKE_AWAY,
                "",
                "must be set; each is another trust; see the identity provider's side of it first",
            ),
            (
                "/by",
                json!("word"),
                "",
                "must be one of assertion, impersonation",
            ),
            (
                "/tenants",
                TAKE_AWAY,
                "",
                "must be set where there are tenants; no engine speaks for everybody's people",
            ),
            (
                "/tenants",
                json!("acne"),
                "",
                "names no tenant of this configuration; did you mean acme?",
            ),
            ("/names", json!([]), "", "must hold 1 to 4096"),
            ("/names", json!("alice"), "", "must be a list, not text"),
            (
                "/names",
                json!(["alice", ""]),
                "services.trino.speaks_for.names[1]",
                name,
            ),
            (
                "/names",
                json!([" alice"]),
                "services.trino.speaks_for.names[0]",
                name,
            ),
            (
                "/names",
                json!(["al\nice"]),
                "services.trino.speaks_for.names[0]",
                name,
            ),
            (
                "/names",
                json!([long]),
                "services.trino.speaks_for.names[0]",
                name,
            ),
            (
                "/never",
                json!(["root\u{0}"]),
                "services.trino.speaks_for.never[0]",
                name,
            ),
            ("/subject", json!(""), "", subject),
            ("/subject", json!("alice"), "", subject),
            ("/subject", json!("{user}{user}"), "", subject),
            ("/subject", json!("{user} "), "", subject),
            (
                "/signed_by",
                json!("crop"),
                "",
                "names no issuer of this configuration; did you mean corp?",
            ),
            (
                "/signed_by",
                json!("corp"),
                "",
                "is the program's own issuer; what that has signed is no word of the engine, and proves itself",
            ),
            ("/who", json!([]), "", "must not be an empty list"),
            (
                "/who",
                json!({"claim": "groups"}),
                "services.trino.speaks_for.who.has",
                "must be set with claim; a claim's value decides",
            ),
            (
                "/who",
                json!([{"sub": "a"}, {"issuer": "ci", "sub": "b"}]),
                "services.trino.speaks_for.who[1].issuer",
                "is another one than the program's; the tokens of the people are got there",
            ),
            (
                "/user",
                json!("{user}"),
                "",
                "is unknown; known here: by, tenants, who, names, never, subject, signed_by",
            ),
        ],
    );
    let names = json!({"by": "assertion", "tenants": "acme", "names": ["Root", "alice"], "never": ["ROOT"]});
    each_causes(
        "/services/trino",
        &[(
            "/speaks_for",
            names,
            "services.trino.speaks_for.never",
            "holds one of names; it cannot be both",
        )],
    );
    let globex = (
        "/tenants/globex/who",
        json!({"issuer": "ci", "sub": "globex-bot"}),
    );
    assert_eq!(
        shown(&[
            globex,
            (
                "/services/trino/speaks_for/tenants",
                json!(["acme", "globex"])
            )
        ]),
        [
            "services.trino.speaks_for.tenants: names tenants.globex, which has no people of issuer corp, where the tokens \
             are got"
        ]
    );
}

#[test]
fn what_speaking_for_others_needs() {
    let tokens = "/issuers/corp/gate_tokens";
    let needs = |what: &str| {
        format!(
            "services.trino.speaks_for: needs issuers.corp.gate_tokens.{what}, to get tokens of the people there"
        )
    };
    let by = ("/services/trino/speaks_for/by", json!("impersonation"));
    assert_eq!(
        shown(&[("/issuers/corp/gate_tokens", TAKE_AWAY)]),
        [needs("client")]
    );
    assert_eq!(
        shown(&[("/issuers/corp/gate_tokens/client", TAKE_AWAY)]),
        [needs("client")]
    );
    assert_eq!(
        shown(&[("/issuers/corp/gate_tokens/assertion", TAKE_AWAY)]),
        [needs("assertion")]
    );
    assert_eq!(
        shown(&[(tokens, json!({}))]),
        [needs("assertion"), needs("client")]
    );
    assert_eq!(
        shown(&[
            ("/issuers/corp/gate_tokens/assertion", TAKE_AWAY),
            by.clone()
        ]),
        [""; 0]
    );
    let rfc = ("/issuers/corp/profile", json!("rfc8693"));
    assert_eq!(shown(std::slice::from_ref(&rfc)), [""; 0]);
    assert_eq!(
        shown(&[rfc, by]),
        [
            "services.trino.speaks_for.by: is not possible with profile rfc8693; RFC 8693 takes tokens and no names; let the \
             gate sign an assertion (RFC 7523)"
        ]
    );
}

/// By profile: what is said where its identity provider gives no token of a person whom somebody else names.
#[test]
fn at_which_identity_providers_others_can_be_spoken_for() {
    let entra = "Entra's on-behalf-of flow needs the person's own token, and no grant of Entra takes another's word; let the \
                 engine hand on its users' tokens";
    let okta = "Okta exchanges tokens that it gave the person itself, and no grant of Okta takes another's word; let the \
                engine hand on its users' tokens";
    let auth0 = "Auth0 takes no name in place of a token; let the gate sign an assertion, which the Action of a custom token \
                 exchange verifies";
    let rfc8693 = "RFC 8693 takes tokens and no names; let the gate sign an assertion (RFC 7523)";
    for (profile, assertion, impersonation) in [
        ("keycloak", None, None),
        ("rfc8693", None, Some(rfc8693)),
        ("entra", Some(entra), Some(entra)),
        ("okta", Some(okta), Some(okta)),
        ("auth0", None, Some(auth0)),
    ] {
        for (by, why) in [("assertion", assertion), ("impersonation", impersonation)] {
            let mut lines = shown(&[
                ("/issuers/corp/profile", json!(profile)),
                ("/services/trino/speaks_for/by", json!(by)),
            ]);
            // Such profiles ask for more elsewhere.
            lines.retain(|line| line.starts_with("services.trino"));
            let why = why.map(|why| {
                format!(
                    "services.trino.speaks_for.by: is not possible with profile {profile}; {why}"
                )
            });
            assert_eq!(lines, why.into_iter().collect::<Vec<_>>(), "{profile} {by}");
        }
    }
}

#[test]
fn nobody_speaks_for_just_anybody() {
    let small = |speaks_for: Value| {
        let configuration = changed(&[
            ("/allow_on_headers_stop_iteration", json!(true)),
            (
                "/issuers/corp/gate_tokens",
                json!({"client": {"id": "tokens", "secret": {"env": "ICEGATE_SECRET"}}}),
            ),
            (
                "/services",
                json!({"x": {"who": {"issuer": "corp", "sub": "x"}, "may": ["config"], "speaks_for": speaks_for}}),
            ),
        ]);
        load_value(&configuration)
            .map(|_| ())
            .map_err(|faults| faults.to_string())
    };
    let anybody =
        "services.x.speaks_for: must have tenants, who or names; no engine speaks for just anybody"
            .to_owned();
    assert_eq!(small(json!({"by": "impersonation"})), Err(anybody.clone()));
    assert_eq!(
        small(json!({"by": "impersonation", "never": ["root"], "subject": "{user}@x"})),
        Err(anybody)
    );
    for some in [
        json!({"names": ["alice"]}),
        json!({"who": {"claim": "groups", "has": "bi"}}),
    ] {
        let mut speaks_for = json!({"by": "impersonation"});
        speaks_for
            .as_object_mut()
            .unwrap()
            .extend(some.as_object().unwrap().clone());
        assert_eq!(small(speaks_for), Ok(()));
    }
}
