//! The configuration after it was checked. Nothing here can be built from a faulty file: the
//! fields are public to read, and [`load`](super::load) is the only maker outside of tests.

mod programs;
mod tenancy;

use std::rc::Rc;
use std::time::Duration;

pub use programs::*;
pub use tenancy::*;

pub use crate::dialect::Profile;
use crate::iceberg::Layout;
use crate::jose::Algorithm;
use crate::secret::Secret;

/// Position of an issuer in [`Config::issuers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerId(pub u16);

/// Position of a catalog in [`Config::catalogs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogId(pub u16);

/// Position of a way to get tokens in [`Config::contexts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub u32);

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
    /// How tokens are got: first one for each catalog, in their order, then those of tenants, then those of programs'
    /// own accounts.
    pub contexts: Vec<Context>,
    /// Who decides what a caller may do.
    pub access: Access,
    /// The border between tenants; without it every caller may name everything.
    pub tenancy: Option<Tenancy>,
    /// Every condition on callers that the configuration speaks of.
    pub whos: Whos,
    /// Whoever matches one of these is a program, beside those of whom the issuer's profile knows it. Sorted.
    pub programs: Box<[WhoId]>,
    /// The programs that may call, in the order of their names.
    pub services: Vec<Service>,
    /// Every audience that a token for a catalog has. Sorted: a gate token must have none of them.
    pub catalog_audiences: Box<[String]>,
    /// Whoever matches one of these is refused. Sorted.
    pub denied: Box<[WhoId]>,
    /// What the grants refuse is only noted.
    pub grants_only_reported: bool,
    /// What becomes of a wish for credentials or signatures that is not granted.
    pub delegation: Delegation,
    /// Whether Envoy lets the filter hold bodies.
    pub holds_bodies: bool,
    /// What is told about requests.
    pub audit: Audit,
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
    /// How gate tokens are got here; without it the token endpoint of catalogs with its tokens is off.
    pub gate_tokens: Option<GateTokens>,
}

/// A way into the claims: `realm_access.roles` is two members deep. Made by the loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(pub Vec<String>);

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
    /// `subject_token_type` of its exchanges, where the dialect leaves that open.
    pub subject_token_type: Option<Rc<str>>,
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
    /// An assertion that the gate signs (RFC 7523 section 2.2).
    PrivateKeyJwt {
        /// With this key.
        key: OwnKey,
        /// `aud`; without it as the dialect says.
        audience: Option<Rc<str>>,
    },
    /// The certificate of the connection (RFC 8705), which Envoy's cluster holds.
    TlsClientAuth,
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
    /// Its address as clients know it, base path included.
    pub public_url: Option<Rc<str>>,
    /// Where it is asked for the prefixes of warehouses.
    pub endpoint: Option<Endpoint>,
    /// Nessie: whether `t@reference` may name a table.
    pub table_references: bool,
    /// Whether names that differ in case are one and the same.
    pub names_ignore_case: bool,
    /// Nessie: the reference that a prefix without one means.
    pub default_branch: Rc<str>,
    /// As whom engines may run what a view says.
    pub view_owner: ViewOwner,
}

/// As whom an engine may run what a view says (`trino.run-as-owner`), by whoever writes the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewOwner {
    /// As anybody.
    Any,
    /// As the writer alone.
    Caller,
}

/// How the token for a catalog is got, for everybody or for the people of one tenant.
#[derive(Debug)]
pub struct Context {
    /// The catalog.
    pub catalog: CatalogId,
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// What is asked for.
    pub token: TokenRule,
    /// The client that asks; without it the issuer's.
    pub client: Option<Client>,
    /// How it asks.
    pub grant: Grant,
}

/// How a token for a catalog is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The caller's token is exchanged (RFC 8693).
    Exchange,
    /// With the client's own credentials (RFC 6749 section 4.4): the program's own account at the catalog.
    ClientCredentials,
}

impl Config {
    /// The client that exchanges in a context, if there is one.
    pub fn client<'a>(&'a self, context: &'a Context) -> Option<&'a Client> {
        let own = context.client.as_ref();
        let issuer = self.issuers.get(usize::from(context.token.at.0));
        own.or_else(|| issuer?.client.as_ref())
    }

    /// A way to get tokens.
    pub fn context(&self, id: ContextId) -> Option<&Context> {
        self.contexts.get(usize::try_from(id.0).ok()?)
    }

    /// A catalog.
    pub fn catalog(&self, id: CatalogId) -> Option<&Catalog> {
        self.catalogs.get(usize::from(id.0))
    }

    /// A tenant.
    pub fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        self.tenancy.as_ref()?.tenants.get(usize::from(id.0))
    }

    /// A program.
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.get(usize::from(id.0))
    }

    /// Whether any program is held to the connection that it comes by.
    pub fn asks_peer(&self) -> bool {
        self.services.iter().any(|service| service.peer.is_some())
    }

    /// The name of a client's certificate, where a program is held to it; any other is as good as none.
    pub fn peer(&self, named: &[u8]) -> Option<&Rc<str>> {
        let mut peers = self.services.iter().filter_map(|one| one.peer.as_ref());
        peers.find(|peer| peer.as_bytes() == named)
    }

    /// The issuer whose gate tokens the token endpoint of a catalog gives.
    pub fn gate_tokens(&self, catalog: CatalogId) -> Option<(IssuerId, &GateTokens)> {
        // Without tenants a catalog has one context, in the same order; tenants' own stand behind these.
        let context = self.contexts.get(usize::from(catalog.0))?;
        let issuer = self.issuers.get(usize::from(context.token.from.0))?;
        Some((context.token.from, issuer.gate_tokens.as_ref()?))
    }

    /// A warehouse.
    pub fn warehouse(&self, id: WarehouseId) -> Option<&Warehouse> {
        let warehouses = &self.tenancy.as_ref()?.warehouses;
        warehouses.get(usize::try_from(id.0).ok()?)
    }
}

/// How a token for a catalog is got.
#[derive(Clone, Debug)]
pub struct TokenRule {
    /// The issuer whose callers are served.
    pub from: IssuerId,
    /// The issuer at which their tokens are exchanged, and whose the minted ones are.
    pub at: IssuerId,
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
    /// A claim of the minted token, and the values that it must not have.
    pub never_as: Option<(ClaimPath, Vec<String>)>,
}

/// Who decides what a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The catalog alone; the gate proves who calls, and holds the border if there is one.
    CatalogDecides,
    /// The grants, and then the catalog.
    Grants,
}

/// What becomes of a wish for credentials or signatures that is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delegation {
    /// It is taken off the request.
    Remove,
    /// The request is refused.
    Refuse,
}

/// For which requests an audit line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lines {
    /// For none.
    None,
    /// For those that were refused.
    Refusals,
    /// For those, and for all that may change something.
    Commits,
    /// For all.
    All,
}

/// What is told about requests beside the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// For which requests a line is written.
    pub lines: Lines,
    /// Whether identity and decision go into Envoy's filter state.
    pub filter_state: bool,
}

impl Audit {
    /// Whether anything is told at all.
    pub fn is_on(self) -> bool {
        self.filter_state || self.lines != Lines::None
    }
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
    /// Longest body of a request that is read, in bytes.
    pub request_body: usize,
    /// Longest answer of a catalog that is looked through, in bytes.
    pub guarded_answer: usize,
    /// Time between two background refreshes of a key set.
    pub key_refresh: Duration,
    /// Longest use of the last good key set through an outage.
    pub key_max_age: Duration,
}
