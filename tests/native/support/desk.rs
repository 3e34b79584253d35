//! Requests put to the policy: real tokens, real paths, real bodies.

use std::collections::BTreeMap;

use icegate::clock::UnixTime;
use icegate::config::{CatalogId, Config, WarehouseId};
use icegate::iceberg::{Method, Query, Wishes, read_body, read_query, route};
use icegate::identity::{Caller, Presented};
use icegate::jose::{KeySet, RustCrypto};
use icegate::policy::{Asked, Decision, Denial, Permit, Prefixes, Told, decide};
use serde_json::{Value, json};

use crate::idp::{CI, CORP, NOW, ci, corp};
use crate::lake::lake_with;
use crate::tokens::{claims, key_set};

/// A person of corp's in these groups: `groups` of the token.
pub(crate) fn person(config: &Config, name: &str, groups: &[&str]) -> Caller {
    person_with(config, name, &json!({"groups": groups}))
}

/// A person of corp's with more claims.
pub(crate) fn person_with(config: &Config, name: &str, more: &Value) -> Caller {
    verified(config, CORP, "icegate", name, more)
}

/// A program of ci's.
pub(crate) fn robot(config: &Config, name: &str) -> Caller {
    verified(config, CI, "gate-of-ci", name, &json!({}))
}

fn verified(config: &Config, issuer: &str, audience: &str, name: &str, more: &Value) -> Caller {
    let mut claims = claims(issuer, audience, name, NOW + 60);
    for (claim, value) in more.as_object().expect("claims") {
        claims[claim] = value.clone();
    }
    holder(config, &claims)
}

/// Whoever sends a token of these claims.
pub(crate) fn holder(config: &Config, claims: &Value) -> Caller {
    let signer = if claims["iss"] == CORP { corp() } else { ci() };
    let token = signer.sign(claims);
    let now = UnixTime::from_secs(NOW);
    let presented =
        Presented::inspect(token.as_bytes(), config, now).expect("a token for the gate");
    let keys = KeySet::parse(key_set([&signer]).as_bytes(), &RustCrypto).expect("keys");
    presented.verify(config, &keys).expect("a genuine token")
}

/// What catalogs told of prefixes.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) told: BTreeMap<(u16, String), Told>,
    /// They are not asked for these.
    pub(crate) silent: Vec<WarehouseId>,
}

impl Prefixes for Book {
    fn find(&self, catalog: CatalogId, prefix: &str) -> Told {
        let told = self.told.get(&(catalog.0, prefix.to_owned()));
        told.copied().unwrap_or(Told::Nothing)
    }

    fn must_ask(&self, warehouse: WarehouseId) -> bool {
        !self.silent.contains(&warehouse)
    }
}

/// A request for the policy.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Read when it is there.
    pub(crate) body: Option<Value>,
    /// `X-Iceberg-Access-Delegation`
    pub(crate) delegation: Option<&'a str>,
}

/// A gate's policy with its configuration.
pub(crate) struct Desk {
    pub(crate) config: Config,
    pub(crate) book: Book,
    /// What the certificate of every connection names.
    pub(crate) peer: Option<String>,
}

impl Desk {
    /// The lake with something else at some places.
    pub(crate) fn with(changes: &[(&str, Value)]) -> Self {
        Self {
            config: lake_with(changes),
            book: Book::default(),
            peer: None,
        }
    }

    /// The lake with these grants.
    pub(crate) fn granting(grants: Value) -> Self {
        Self::with(&[("/grants", grants)])
    }

    /// Alice of acme, in these groups besides.
    pub(crate) fn alice(&self, groups: &[&str]) -> Caller {
        person(&self.config, "alice", &[&["/t/acme"], groups].concat())
    }

    /// Gwen of globex.
    pub(crate) fn gwen(&self) -> Caller {
        person(&self.config, "gwen", &["/t/globex"])
    }

    /// What the policy decides.
    pub(crate) fn ask(
        &self,
        caller: &Caller,
        request: &Request<'_>,
    ) -> Result<Decision, Box<Denial>> {
        let path = request.path.as_bytes();
        let layouts = self.config.catalogs.iter().map(|catalog| &catalog.layout);
        let found = layouts.zip(0_u16..).find(|(layout, _)| layout.owns(path));
        let (layout, catalog) = found.expect("a catalog has the path");
        let route = route(Method::from_bytes(request.method.as_bytes()), path, layout)
            .expect("an operation");
        let query = match self.config.tenancy {
            Some(_) => read_query(&route, layout).expect("a query"),
            None => Query::default(),
        };
        let body = request.body.as_ref().map(|body| {
            let read = read_body(route.operation, body.to_string().as_bytes());
            read.unwrap_or_else(|fault| panic!("{fault}: {body}"))
        });
        let mut wishes = Wishes::default();
        if let Some(line) = request.delegation {
            wishes.hear(line.as_bytes());
        }
        let asked = Asked {
            catalog: CatalogId(catalog),
            route: &route,
            query: &query,
            wishes,
            body: body.as_ref(),
            peer: self.peer.as_deref(),
        };
        decide(&self.config, &self.book, caller, &asked)
    }

    /// What the policy decides on a request without a body, in a line.
    pub(crate) fn says(&self, caller: &Caller, method: &str, path: &str) -> String {
        self.in_a_line(
            caller,
            &Request {
                method,
                path,
                body: None,
                delegation: None,
            },
        )
    }

    /// The same with a body that was read.
    pub(crate) fn says_with(&self, caller: &Caller, path: &str, body: Value) -> String {
        self.in_a_line(
            caller,
            &Request {
                method: "POST",
                path,
                body: Some(body),
                delegation: None,
            },
        )
    }

    fn in_a_line(&self, caller: &Caller, request: &Request<'_>) -> String {
        match self.ask(caller, request) {
            Ok(Decision::Yes(_)) => "yes".to_owned(),
            Ok(Decision::ReadBody(_)) => "the body first".to_owned(),
            Ok(Decision::AskPrefix(id, _)) => {
                format!(
                    "ask for {}",
                    self.config.warehouse(id).expect("a warehouse").name
                )
            }
            Err(denial) => format!(
                "{}: {}",
                denial.refusal.reason.name(),
                denial.refusal.sentence
            ),
        }
    }

    /// The yes to a request.
    pub(crate) fn permit(&self, caller: &Caller, request: &Request<'_>) -> Permit {
        match self.ask(caller, request) {
            Ok(Decision::Yes(permit)) => permit,
            Ok(other) => panic!("{other:?}"),
            Err(denial) => panic!("{}", denial.refusal.sentence),
        }
    }
}

/// A GET.
pub(crate) fn get(path: &str) -> Request<'_> {
    Request {
        method: "GET",
        path,
        body: None,
        delegation: None,
    }
}
