//! Requests of people who mean harm, against a gate with tenants and grants.

use std::rc::Rc;
use std::time::Duration;

use icegate::broker::{ArrivedBody, Broker, CallId, Effect, Entropy, StreamId, Verdict};
use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::load;
use icegate::jose::RustCrypto;
use icegate::wire::{CallAnswer, HttpCall, RequestHead};
use serde_json::{Value, json};

use crate::tokens::{Signer, base64url, claims, key_set};

const ISSUER: &str = "https://idp.example.com";
const START: u64 = 1_800_000_000;
const NOW: Now = Now {
    instant: Instant::from_origin(Duration::from_secs(1000)),
    unix: UnixTime::from_secs(START),
};

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// A gate whose identity provider answers at once.
struct Gate {
    broker: Broker,
    signer: Signer,
    streams: u32,
    /// Whose token the identity provider gives.
    person: Value,
}

impl Gate {
    /// `more`: catalogs, tenants and grants. Everybody who is of issuer `corp` with `groups: [acme]` is acme's.
    fn new(more: Value) -> Self {
        let mut configuration = json!({
            "issuers": {"corp": {
                "profile": "rfc8693", "issuer": ISSUER, "cluster": "idp", "audiences": ["icegate"],
                "client": {"id": "icegate", "secret": {"env": "SECRET"}},
                "token_path": "/token", "keys": {"jwks_path": "/keys"},
            }},
            "access": "grants",
            "allow_on_headers_stop_iteration": true,
        });
        let whole = configuration.as_object_mut().unwrap();
        whole.extend(more.as_object().unwrap().clone());
        let config = load(configuration.to_string().as_bytes(), &|_| {
            Some("secret".to_owned())
        })
        .unwrap_or_else(|faults| panic!("{faults}"));
        let broker = Broker::new(NOW, Rc::new(config), Rc::new(RustCrypto), Box::new(Zeros));
        let mut gate = Self {
            broker,
            signer: Signer::new("k"),
            streams: 0,
            person: "mallory".into(),
        };
        gate.settle(StreamId(0));
        gate
    }

    fn token(&self) -> String {
        self.signer.sign(&self.claims("icegate"))
    }

    fn claims(&self, audience: &str) -> Value {
        let mut claims = claims(ISSUER, audience, "mallory", START + 3600);
        claims["iat"] = START.into();
        claims["groups"] = json!(["acme"]);
        claims
    }

    fn minted(&self) -> Value {
        let mut claims = self.claims("lake");
        claims["sub"] = self.person.clone();
        claims
    }

    fn send(&mut self, method: &str, path: &str, token: &str) -> StreamId {
        self.streams = self.streams.wrapping_add(1);
        let stream = StreamId(self.streams);
        let authorization = format!("Bearer {token}");
        let headers: [(&[u8], &[u8]); 4] = [
            (b":method", method.as_bytes()),
            (b":path", path.as_bytes()),
            (b"authorization", authorization.as_bytes()),
            (b"content-length", b"65536"),
        ];
        let head = RequestHead::read(headers.into_iter());
        self.broker.request(NOW, stream, &head);
        stream
    }

    /// What becomes of a request without a body: `forwarded`, or the refusal's name.
    fn ask(&mut self, method: &str, path: &str) -> &'static str {
        let stream = self.send(method, path, &self.token());
        self.settle(stream).expect("a verdict")
    }

    /// The same with a body.
    fn ask_with(&mut self, method: &str, path: &str, body: &Value) -> &'static str {
        let stream = self.send(method, path, &self.token());
        let body = body.to_string();
        let before = self.settle(stream);
        self.broker
            .body(NOW, stream, ArrivedBody::Whole(body.as_bytes()));
        before.or_else(|| self.settle(stream)).expect("a verdict")
    }

    fn settle(&mut self, stream: StreamId) -> Option<&'static str> {
        let mut verdict = None;
        while let Some(effect) = self.broker.poll_effect() {
            match effect {
                Effect::Call { id, call } => self.answer(id, &call),
                Effect::Release {
                    stream: of,
                    verdict: reached,
                    ..
                } if of == stream => {
                    verdict = Some(match reached {
                        Verdict::Forward(_) => "forwarded",
                        Verdict::Refuse(reply) => reply.details,
                        Verdict::Answer(_) | Verdict::Issue(_) => panic!("no token endpoint here"),
                    });
                }
                Effect::Release { .. } | Effect::Note { .. } => {}
            }
        }
        verdict
    }

    fn answer(&mut self, id: CallId, call: &HttpCall) {
        let body = match &*call.path {
            "/keys" => key_set([&self.signer]),
            "/token" => json!({
                "access_token": self.signer.sign(&self.minted()), "expires_in": 600,
                "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            })
            .to_string(),
            other => panic!("{other}"),
        };
        let answer = CallAnswer::Answered {
            status: 200,
            retry_after: None,
            body: body.as_bytes(),
        };
        self.broker.call_answered(NOW, id, answer);
    }
}

/// One tenant at one catalog of this kind, below `/lake`.
fn gate(catalog: Value, reach: Value, grants: Value) -> Gate {
    let mut lake = json!({"base_path": "/lake", "token": {"from": "corp", "audience": "lake"}});
    let whole = lake.as_object_mut().unwrap();
    whole.extend(catalog.as_object().unwrap().clone());
    Gate::new(json!({
        "catalogs": {"lake": lake},
        "tenants": {"acme": {"who": {"issuer": "corp", "claim": "groups", "has": "acme"}, "reach": {"lake": reach}}},
        "grants": grants,
    }))
}

/// Lakekeeper drops a namespace with all that is in it, if it is told to.
#[test]
fn a_namespace_is_not_dropped_over_what_may_not_be_dropped() {
    let mut gate = gate(
        json!({"kind": "lakekeeper"}),
        json!([{"warehouse": "acme", "prefix": "p"}]),
        json!([
            {"tenant": "acme", "who": "all", "may": ["read", "write"]},
            {"tenant": "acme", "who": "all", "deny": ["write"], "at": {"lake": {"acme": [["sales", "pii"]]}}},
        ]),
    );
    let sales = "/lake/v1/p/namespaces/sales";
    for (path, expected) in [
        (sales.to_owned(), "forwarded"),
        (format!("{sales}?recursive=false"), "forwarded"),
        (format!("{sales}?force=true"), "forwarded"),
        (format!("{sales}?recursive=true"), "grant_denied"),
        (format!("{sales}?force=true&recursive=True"), "grant_denied"),
        (format!("{sales}?recursive"), "grant_denied"),
        (format!("{sales}%1Fpii?recursive=true"), "grant_denied"),
        (format!("{sales}%1Feu?recursive=true"), "forwarded"),
        (
            "/lake/v1/p/namespaces/hr?recursive=true".to_owned(),
            "forwarded",
        ),
        (format!("{sales}?Recursive=true"), "path_query_spelling"),
        (
            format!("{sales}?recursive=false&recursive=true"),
            "path_query_duplicate",
        ),
    ] {
        assert_eq!(gate.ask("DELETE", &path), expected, "{path}");
    }
}

/// Who may drop what, all over the subtree that goes.
#[test]
fn a_namespace_is_dropped_with_its_content_where_all_of_it_is_granted() {
    let mut gate = gate(
        json!({"kind": "lakekeeper"}),
        json!([{"warehouse": "acme", "prefix": "p"}]),
        json!([
            {"tenant": "acme", "who": "all", "may": ["write"],
             "at": {"lake": {"acme": [["sales", "**"], ["hr"]]}}},
        ]),
    );
    for (path, expected) in [
        ("/lake/v1/p/namespaces/sales?recursive=true", "forwarded"),
        (
            "/lake/v1/p/namespaces/sales%1Feu?recursive=true",
            "forwarded",
        ),
        ("/lake/v1/p/namespaces/hr?recursive=true", "grant_missing"),
        ("/lake/v1/p/namespaces/hr", "forwarded"),
    ] {
        assert_eq!(gate.ask("DELETE", path), expected, "{path}");
    }
}

/// `t@main` below the prefix of `dev` is main's table.
#[test]
fn a_table_at_a_reference_is_decided_where_it_is() {
    let mut gate = gate(
        json!({"kind": "nessie", "table_references": true}),
        json!(["main|acme", "dev|acme", "pub|acme"]),
        json!([
            {"tenant": "acme", "who": "all", "may": ["read", "write"], "at": {"lake": ["dev|acme"]}},
            {"tenant": "acme", "who": "all", "may": ["read"], "at": {"lake": {"pub|acme": [["x", "t"]]}}},
        ]),
    );
    let table = |name: &str| format!("/lake/v1/dev%7Cacme/namespaces/x/tables/{name}");
    for (method, name, expected) in [
        ("GET", "t", "forwarded"),
        ("GET", "t@dev", "forwarded"),
        ("GET", "t@main", "grant_missing"),
        ("DELETE", "t@main", "grant_missing"),
        ("GET", "t@other", "name_expression"),
    ] {
        assert_eq!(gate.ask(method, &table(name)), expected, "{method} {name}");
    }
}

/// A signed copy reads another object than the one that is written.
#[test]
fn no_copy_is_signed() {
    let mut gate = Gate::new(json!({
        "catalogs": {"lake": {"kind": "lakekeeper", "base_path": "/lake", "token": {"from": "corp", "audience": "lake"}}},
        "tenants": {"acme": {
            "who": {"issuer": "corp", "claim": "groups", "has": "acme"},
            "reach": {"lake": [{"warehouse": "acme", "prefix": "p"}]}, "locations": ["s3://acme/"],
        }},
        "grants": [{"tenant": "acme", "who": "all", "may": ["sign"]}],
    }));
    let sign = "/lake/v1/p/namespaces/x/tables/t/sign";
    let mut ask = |headers: Value| {
        let body = json!({"region": "r", "method": "PUT", "uri": "https://minio/acme/t/f", "headers": headers});
        gate.ask_with("POST", sign, &body)
    };
    assert_eq!(ask(json!({"Content-Type": ["x"]})), "forwarded");
    assert_eq!(ask(Value::Null), "forwarded");
    for name in [
        "x-amz-copy-source",
        "X-Amz-Copy-Source",
        " x-amz-copy-source ",
    ] {
        let headers = json!({"host": ["minio"], name: ["globex/secret"]});
        assert_eq!(ask(headers), "location_outside", "{name}");
        assert_eq!(ask(json!({ name: null })), "location_outside", "{name}");
    }
}

/// A body of 27 KB whose places take 900 KB, from somebody whose token nobody can verify.
#[test]
fn what_was_read_of_a_strangers_body_is_counted_as_it_lies_in_memory() {
    let mut gate = gate(
        json!({"kind": "iceberg"}),
        json!([{"warehouse": "acme", "prefix": "p"}]),
        json!([{"tenant": "acme", "who": "all", "may": ["read", "commit"]}]),
    );
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "nobody's"}).to_string();
    let token = format!(
        "{}.{}.{}",
        base64url(header),
        base64url(gate.claims("icegate").to_string()),
        base64url([7_u8; 64])
    );
    let manifests = vec!["\"\""; 9_000].join(",");
    let body = format!(
        r#"{{"updates":[{{"action":"add-snapshot","snapshot":{{"manifests":[{manifests}]}}}}]}}"#
    );
    let mut refused = 0;
    for _ in 0..120 {
        let stream = gate.send("POST", "/lake/v1/p/namespaces/x/tables/t", &token);
        assert_eq!(gate.broker.awaits_body(stream), Some(65_536));
        let whole = ArrivedBody::Whole(body.as_bytes());
        gate.broker.body(NOW, stream, whole);
        // The keys are fetched again, and nobody answers.
        while let Some(effect) = gate.broker.poll_effect() {
            if let Effect::Release { verdict, .. } = effect {
                let Verdict::Refuse(reply) = verdict else {
                    panic!("forwarded")
                };
                assert_eq!(reply.details, "bodies_full");
                refused += 1;
            }
        }
    }
    let census = gate.broker.census();
    // 64 MiB for strangers, 9,000 places of about 100 bytes each.
    assert!((50..90).contains(&census.parked), "{census:?}");
    assert_eq!(census.parked + refused, 120);
    assert!(census.body_bytes <= 64 * 1024 * 1024, "{census:?}");
}

/// Trino is listed by its subject and client, bound to its connection; mallory has tokens of all kinds.
#[test]
fn nobody_else_is_the_program() {
    let mut gate = Gate::new(json!({
        "catalogs": {"lake": {"kind": "polaris", "base_path": "/lake", "token": {"from": "corp", "audience": "lake"}}},
        "tenants": {"acme": {"who": {"issuer": "corp", "claim": "groups", "has": "acme"}, "reach": {"lake": ["w"]}}},
        "grants": [{"tenant": "acme", "who": "all", "may": ["read"]}],
        "services": {"trino": {
            "who": {"issuer": "corp", "sub": "91aa", "azp": "trino"}, "tenant": "acme", "may": ["config", "write"],
        }},
    }));
    let table = "/lake/v1/w/namespaces/db/tables/t";
    for (change, reads, drops) in [
        // Mallory, who logged in through Trino's client: a person of acme's.
        (
            json!({"azp": "trino", "client_id": "trino"}),
            "forwarded",
            "grant_missing",
        ),
        // With a user name as Trino's service account has it, or a subject as its client.
        (
            json!({"preferred_username": "service-account-trino"}),
            "program_not_listed",
            "program_not_listed",
        ),
        (
            json!({"azp": "trino", "sub": "trino"}),
            "program_not_listed",
            "program_not_listed",
        ),
        // A client of mallory's own.
        (
            json!({"azp": "evil", "sub": "evil"}),
            "program_not_listed",
            "program_not_listed",
        ),
        (
            json!({"azp": "trino", "jti": "trrtcc:1"}),
            "program_not_listed",
            "program_not_listed",
        ),
        // Trino's subject through another client is not Trino.
        (
            json!({"azp": "evil", "sub": "91aa", "jti": "trrtcc:1"}),
            "program_not_listed",
            "program_not_listed",
        ),
        // Of no token are two claims read as one.
        (
            json!({"azp": ["trino"], "sub": "91aa"}),
            "claim_malformed",
            "claim_malformed",
        ),
        // Trino itself.
        (
            json!({"azp": "trino", "sub": "91aa", "jti": "trrtcc:1"}),
            "service_may_not",
            "forwarded",
        ),
    ] {
        let mut claims = gate.claims("icegate");
        for (claim, value) in change.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        let token = gate.signer.sign(&claims);
        gate.person = claims["sub"].clone();
        for (method, expected) in [("GET", reads), ("DELETE", drops)] {
            let stream = gate.send(method, table, &token);
            assert_eq!(gate.settle(stream), Some(expected), "{method} {change}");
        }
    }
}

/// The same subject, at an identity provider that mallory may write tokens at.
#[test]
fn a_subject_is_one_issuers() {
    let issuer = |issuer: &str| {
        json!({
            "profile": "rfc8693", "issuer": issuer, "cluster": "idp", "audiences": ["icegate"],
            "client": {"id": "icegate", "secret": {"env": "SECRET"}}, "token_path": "/token", "keys": {"jwks_path": "/keys"},
        })
    };
    let mut gate = Gate::new(json!({
        "issuers": {"corp": issuer(ISSUER), "ci": issuer("https://ci.example.com")},
        "access": "catalog_decides",
        "catalogs": {"lake": {"kind": "polaris", "base_path": "/lake", "token": {"from": "corp", "audience": "lake"}}},
        "services": {"trino": {"who": {"issuer": "corp", "sub": "91aa"}, "may": ["all"], "token": {"client_credentials": {
            "from": "corp", "id": "trino-own", "secret": {"env": "SECRET"},
        }}}},
    }));
    let mut claims = gate.claims("icegate");
    claims["sub"] = "91aa".into();
    claims["iss"] = "https://ci.example.com".into();
    let token = gate.signer.sign(&claims);
    let stream = gate.send("GET", "/lake/v1/w/namespaces", &token);
    assert_eq!(gate.settle(stream), Some("issuer_not_served"));
}
