//! Engines at the token endpoint: the configurations of stories, and what engines send.

use base64::Engine as _;
use serde_json::{Value, json};

use super::desk::{GATE, GATE_CLIENT, LOGINS};
use super::tenants;
use super::world::config;
use crate::tokens::base64url;

pub(super) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Where the gate's key set is.
pub(crate) const KEY_SET: &str = "/icegate/jwks.json";
/// The certificate that flink must connect with.
pub(crate) const FLINK: &str = "spiffe://example.com/flink";

/// Gate tokens of corp, and programs there:
///
/// - `trino` speaks for analysts, by assertion;
/// - `presto` speaks for alice and dave and whomever else its names hold, by impersonation;
/// - `dremio` speaks for alice and bob, where ci has signed it;
/// - `spark` speaks for nobody;
/// - `flink` calls over its own connection alone.
pub(crate) fn engines(limits: &Value) -> Value {
    let mut all = config(limits);
    add_engines(&mut all);
    all["denied"] = json!([{"issuer": "corp", "sub": "mallory"}]);
    all["audit"] = json!({"lines": "all"});
    all
}

/// The same beside tenants, where `trino` speaks for acme's people, and nobody else speaks.
pub(crate) fn engines_with_tenants(limits: &Value) -> Value {
    let mut all = tenants::tenants(limits);
    add_engines(&mut all);
    all["services"] = json!({
        "trino": {"who": {"issuer": "corp", "sub": "sa-trino", "azp": "trino"}, "may": ["config"], "tenant": "acme",
                  "speaks_for": {"by": "assertion", "tenants": ["acme"], "never": ["Root"]}},
        "spark": {"who": {"issuer": "corp", "sub": "sa-spark", "azp": "spark"}, "may": ["read"], "tenant": "acme"},
    });
    all
}

fn add_engines(all: &mut Value) {
    all["allow_on_headers_stop_iteration"] = true.into();
    all["issuers"]["corp"]["gate_tokens"] = json!({
        "client": {"id": GATE_CLIENT, "secret": {"env": "GATE_SECRET"}},
        "cluster": LOGINS,
        "scopes": {"catalog": "", "PRINCIPAL_ROLE:ALL": "", "lake": "to-icegate lake"},
        "assertion": {
            "issuer": GATE, "jwks_path": KEY_SET,
            "keys": [{"id": "g1", "key": {"env": "GATE_KEY"}}, {"id": "g2", "key": {"env": "GATE_NEXT_KEY"}}],
        },
    });
    let who = |id: &str| json!({"issuer": "corp", "sub": format!("sa-{id}"), "azp": id});
    all["services"] = json!({
        "trino": {"who": who("trino"), "may": ["config"],
                  "speaks_for": {"by": "assertion", "who": {"claim": "groups", "has": "/lake/analyst"}, "never": ["Root"]}},
        "presto": {"who": who("presto"), "may": ["config"],
                   "speaks_for": {"by": "impersonation",
                                  "names": ["alice", "dave", "nobody", "id-of-alice", "service-account-spark",
                                            "service-account-rogue"]}},
        "dremio": {"who": who("dremio"), "may": ["config"],
                   "speaks_for": {"by": "assertion", "names": ["alice", "bob"], "signed_by": "ci"}},
        "spark": {"who": who("spark"), "may": ["config", "read"]},
        "flink": {"who": {"issuer": "corp", "sub": "sa-flink", "azp": "flink", "peer": FLINK}, "may": ["config"],
                  "speaks_for": {"by": "assertion", "names": ["alice"]}},
    });
}

/// How a client of the token endpoint proves itself in the header.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    Nothing,
    Bearer(String),
    Basic(String, String),
}

/// What is asked of the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) base: &'static str,
    pub(crate) auth: Auth,
    pub(crate) form: Vec<(&'static str, String)>,
    pub(crate) source: String,
    pub(crate) peer: Option<&'static str>,
}

impl Ask {
    pub(super) fn new(auth: Auth, form: &[(&'static str, &str)]) -> Self {
        let form = form.iter();
        Self {
            base: "/iceberg",
            auth,
            form: form
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            source: "10.0.0.1:40000".to_owned(),
            peer: None,
        }
    }

    /// As Iceberg Java and PyIceberg log in.
    pub(crate) fn login(id: &str, secret: &str) -> Self {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", "catalog"),
        ];
        Self::new(Auth::Nothing, &form)
    }

    /// As DuckDB does.
    pub(crate) fn login_by_basic(id: &str, secret: &str) -> Self {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "PRINCIPAL_ROLE:ALL"),
        ];
        Self::new(Auth::Basic(id.to_owned(), secret.to_owned()), &form)
    }

    /// An engine acts for whom a subject token names.
    pub(crate) fn act(actor: &str, subject: &str, kind: &str) -> Self {
        let form = [
            ("grant_type", EXCHANGE),
            ("scope", "catalog"),
            ("subject_token", subject),
            ("subject_token_type", kind),
            ("actor_token", actor),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        Self::new(Auth::Bearer(actor.to_owned()), &form)
    }

    /// As Trino does for a user of whom it has no token.
    pub(crate) fn speak(actor: &str, name: &str) -> Self {
        Self::act(actor, &trinos_word(name, 1_771_200_000), JWT)
    }

    /// A token shows itself.
    pub(crate) fn refresh(token: &str) -> Self {
        let form = [
            ("grant_type", EXCHANGE),
            ("scope", "catalog"),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        Self::new(Auth::Bearer(token.to_owned()), &form)
    }

    /// The same with the engine's login, as after its end.
    pub(crate) fn refresh_by(id: &str, secret: &str, token: &str) -> Self {
        Self {
            auth: Auth::Basic(id.to_owned(), secret.to_owned()),
            ..Self::refresh(token)
        }
    }

    pub(crate) fn at(self, base: &'static str) -> Self {
        Self { base, ..self }
    }

    pub(crate) fn from(self, source: impl Into<String>) -> Self {
        let source = source.into();
        Self { source, ..self }
    }

    pub(crate) fn over(self, peer: &'static str) -> Self {
        Self {
            peer: Some(peer),
            ..self
        }
    }

    /// With another value of a parameter; an empty one takes it away.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.form.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.form.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn authorized(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let field = self.form.iter().find(|(known, _)| *known == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.form);
        form.finish()
    }

    /// Id and secret, wherever they stand.
    pub(super) fn credentials(&self) -> Option<(String, String)> {
        match &self.auth {
            Auth::Basic(id, secret) => Some((id.clone(), secret.clone())),
            _ => Some((
                self.one("client_id")?.to_owned(),
                self.one("client_secret")?.to_owned(),
            )),
        }
    }
}

/// The unsigned word of Trino about its user.
pub(crate) fn trinos_word(name: &str, issued_at: u64) -> String {
    unsigned(&json!({
        "sub": name, "iss": "481", "iat": issued_at, "user": name, "source": "trino-cli", "trinoCatalog": "lake",
        "trinoVersion": "481",
    }))
}

/// An unsigned JWT of these claims.
pub(crate) fn unsigned(claims: &Value) -> String {
    let (header, claims) = (
        base64url(r#"{"alg":"none"}"#),
        base64url(claims.to_string()),
    );
    format!("{header}.{claims}.")
}

/// What a token says, signed or not.
pub(crate) fn claims_of(token: &str) -> Option<Value> {
    let part = token.split('.').nth(1)?;
    let part = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .ok()?;
    serde_json::from_slice(&part).ok()
}
