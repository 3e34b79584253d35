//! The configuration after it was checked. Nothing here can be built from a faulty file: the
//! fields are public to read, and [`load`](super::load) is the only maker outside of tests.

use std::rc::Rc;
use std::time::Duration;

use crate::iceberg::Layout;
use crate::jose::Algorithm;
use crate::secret::Secret;

/// Position of an issuer in [`Config::issuers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerId(pub u16);

/// Position of a catalog in [`Config::catalogs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogId(pub u16);

/// The whole configuration of one filter.
#[derive(Debug)]
pub struct Config {
    /// Digest of the configuration's bytes and of the secrets that it names: a part of every exchange
    /// key, so that nothing that was minted under other rules, or with another secret, is served.
    pub generation: [u8; 32],
    /// Who may issue tokens for callers, in the order of their names.
    pub issuers: Vec<Issuer>,
    /// The catalogs behind the gate, in the order of their names.
    pub catalogs: Vec<Catalog>,
    /// Who decides what a caller may do.
    pub access: Access,
    /// Bounds.
    pub limits: Limits,
    /// Keeps everybody else from making one.
    pub(super) _only_load_makes_one: Loaded,
}

/// Made by [`load`](super::load).
#[derive(Debug)]
pub(super) struct Loaded;

/// An identity provider: whose tokens are accepted, and where tokens are exchanged.
#[derive(Debug)]
pub struct Issuer {
    /// Its key in the file; a metric's label.
    pub name: Rc<str>,
    /// How it speaks.
    pub profile: Profile,
    /// The exact `iss` of its tokens.
    pub issuer: Rc<str>,
    /// Where metadata and keys are fetched.
    pub endpoint: Endpoint,
    /// How its keys are found.
    pub keys: KeySource,
    /// The token endpoint's path and query when it is set; otherwise metadata tells it.
    pub token_path: Option<Rc<str>>,
    /// The audiences of gate tokens: a subject token must name at least one of them.
    pub audiences: Vec<String>,
    /// Signature algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// Accepted `typ` of the token's header, lower case, without `application/`. A token without
    /// `typ` is accepted when this holds the empty string.
    pub token_types: Vec<String>,
    /// Allowed difference between clocks.
    pub leeway: Duration,
    /// The claim that names the same person in the subject token and in the minted one.
    pub subject_claim: ClaimPath,
    /// The claim whose value names the caller in messages and logs; `sub` stands in when it is absent.
    pub name_claim: ClaimPath,
    /// The gate's own client at this identity provider; without it, its tokens cannot be exchanged here.
    pub client: Option<Client>,
}

/// A way into the claims: `realm_access.roles` is two members deep. Made by the loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(pub Vec<String>);

/// An identity provider's manner of speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Keycloak's standard token exchange (26.2 and later).
    Keycloak,
    /// Any server that follows RFC 8693 and RFC 6749 to the letter.
    Rfc8693,
}

/// Where HTTP calls go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The Envoy cluster.
    pub cluster: Rc<str>,
    /// The `:authority` of the calls.
    pub authority: Rc<str>,
    /// The `:scheme` of the calls.
    pub scheme: Scheme,
}

/// `http` or `https`, as the issuer's URL has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain, for loopback and for meshes that bring their own TLS.
    Http,
    /// TLS by Envoy's cluster.
    Https,
}

impl Scheme {
    /// The scheme as it stands in `:scheme`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// How an issuer's keys are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// OpenID Connect Discovery 1.0 section 4: `{issuer}/.well-known/openid-configuration`.
    OpenIdDiscovery,
    /// RFC 8414 section 3: `/.well-known/oauth-authorization-server{issuer's path}`.
    OauthDiscovery,
    /// A set path (with query) of the JWK Set at the issuer's endpoint.
    Path(Rc<str>),
}

/// The gate's own client at an identity provider.
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: Rc<str>,
    /// How it proves itself.
    pub authentication: ClientAuthentication,
    /// Where exchanges go: the issuer's own endpoint, or a cluster of their own.
    pub endpoint: Endpoint,
}

/// Client authentication, RFC 6749 section 2.3.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// HTTP Basic, both parts form-encoded first (RFC 6749 section 2.3.1).
    SecretBasic(Secret<String>),
    /// In the request's body.
    SecretPost(Secret<String>),
    /// Envoy's credential injector adds the header behind the filter; the gate holds no secret.
    Injected,
}

/// A catalog behind the gate.
#[derive(Debug)]
pub struct Catalog {
    /// Its key in the file; a metric's label.
    pub name: Rc<str>,
    /// How its paths are read.
    pub layout: Layout,
    /// How the token for it is got.
    pub token: TokenRule,
}

/// How a token for a catalog is got.
#[derive(Debug)]
pub struct TokenRule {
    /// The issuer whose callers are served, and at which their tokens are exchanged.
    pub from: IssuerId,
    /// `audience` parameters of the exchange.
    pub audiences: Vec<String>,
    /// The audience that the minted token must name.
    pub expected_audience: String,
    /// `resource` parameters of the exchange.
    pub resources: Vec<String>,
    /// `scope` parameter of the exchange.
    pub scope: Option<String>,
    /// `requested_token_type` parameter of the exchange.
    pub requested_token_type: Option<String>,
    /// Further parameters, in the order of their names.
    pub parameters: Vec<(String, String)>,
    /// Longest life of a minted token in the cache.
    pub life: Duration,
}

/// Who decides what a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The catalog alone; the gate proves who calls.
    CatalogDecides,
}

/// Bounds that an operator may change. Defaults and reasons: [`crate::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Verified callers kept per worker.
    pub cached_callers: usize,
    /// Bytes of tokens kept per worker.
    pub cache_bytes: usize,
    /// Requests parked per worker.
    pub waiters: usize,
    /// Exchanges under way per worker and issuer.
    pub exchanges_in_flight: usize,
    /// Longest time that a request is parked.
    pub request_deadline: Duration,
    /// Timeout of one exchange.
    pub exchange_timeout: Duration,
    /// Time between two background refreshes of a key set.
    pub key_refresh: Duration,
    /// Longest use of the last good key set through an outage.
    pub key_max_age: Duration,
}
