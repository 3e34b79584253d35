//! The configuration as it is written, block by block. The texts here are the reference and the
//! descriptions in the JSON schema.

use super::block::block;
use super::model::{Access, ClaimPath, Profile};
use super::parts::{Parameters, SecretPlace};
use super::span::Span;
use super::texts::{
    Audience, Authority, ClientId, Cluster, IssuerUrl, RequestedType, Resource, Scope, TokenType,
    UrlPath,
};
use super::values::{Count, List, Named, OneOrMore};
use super::words::{Authentication, Discovery};
use crate::iceberg::{DEFAULT_SEPARATOR, Kind};
use crate::jose::Algorithm;
use crate::limits;

block! {
    /// The configuration of the filter: who may issue tokens for callers, which catalogs stand
    /// behind the gate, and who decides what a caller may do. In Envoy it is the `configuration` of
    /// the plugin, either a `google.protobuf.Struct` or a `google.protobuf.StringValue` of JSON.
    /// A field that is not listed here is a fault. A configuration with any fault does not load,
    /// and all of its faults are reported together.
    File at "" {
        /// The identity providers, by names of your choice (`a-z`, `0-9`, `_`, `-`): these become
        /// labels of metrics. At most 64.
        issuers: Named<IssuerBlock> [required "without an issuer nobody's token would be accepted"],
        /// The catalogs behind the gate, by names of your choice (`a-z`, `0-9`, `_`, `-`): these
        /// become labels of metrics. At most 64. A request outside of every catalog's `base_path`
        /// is refused.
        catalogs: Named<CatalogBlock> [required "without a catalog every request would be refused"],
        /// Who decides what a caller may do. `catalog_decides`: the gate proves who calls, and the
        /// catalog decides everything else.
        access: Access [
            required "the gate does not guess who decides; write catalog_decides when the catalog does"
        ],
        /// Bounds per worker thread of Envoy.
        limits: LimitsBlock [block "every bound has its default"],
    }
}

block! {
    /// An identity provider: whose tokens are accepted, and where tokens are exchanged.
    IssuerBlock at "issuers.NAME" {
        /// How the identity provider speaks. `keycloak`: the standard token exchange of Keycloak
        /// 26.2 and later. `rfc8693`: any server that follows RFC 8693 and RFC 6749 to the letter.
        profile: Profile [
            required "identity providers say the same thing in different words, and a guess would take one \
             answer for another"
        ],
        /// The exact `iss` of its tokens, compared character by character: an absolute URL without
        /// query, fragment and user name. Its scheme and host are also the `:scheme` and
        /// `:authority` of the calls. `http://` is accepted for any host, because the scheme does not
        /// secure the calls: the TLS context of the Envoy cluster does.
        issuer: IssuerUrl [required "a token's issuer is compared with it, character by character"],
        /// The Envoy cluster that leads to the identity provider: for metadata and keys, and for
        /// exchanges unless the client has a cluster of its own.
        cluster: Cluster [required "keys and tokens are fetched through a cluster of Envoy"],
        /// The `:authority` of calls to the identity provider.
        authority: Authority [
            optional "host and port of `issuer`",
            "Most identity providers answer under their own name."
        ],
        /// The audiences of the gate: a caller's token must name at least one of them. None of them
        /// may be an audience of a catalog.
        audiences: List<Audience> [
            required "without an audience tokens meant for somebody else would be accepted"
        ],
        /// Signature algorithms that are accepted. `none` and the symmetric ones (`HS256`, ...) are refused.
        algorithms: List<Algorithm> [
            default ALGORITHMS,
            "Asymmetric, and one per kind of key that identity providers use."
        ],
        /// Accepted `typ` of a token's header, compared without case and without `application/`. The
        /// empty text stands for a token without `typ`.
        token_types: List<TokenType> [
            default TOKEN_TYPES,
            "What access tokens carry (`at+jwt`: RFC 9068); logout tokens, DPoP proofs and the \
             like carry another type."
        ],
        /// Allowed difference between the clocks of the gate and the issuer.
        leeway: Span<0, { limits::LEEWAY_MAX.as_millis() as u64 }> [
            default limits::LEEWAY,
            "Clocks that are kept by NTP differ by less; every second more is a second that an \
             expired token lives longer."
        ],
        /// How the issuer's keys are found.
        keys: KeysBlock [block "By OpenID Connect discovery."],
        /// Path (and query) of the token endpoint.
        token_path: UrlPath [
            optional "from the metadata",
            "Metadata tells it. With `keys.jwks_path` no metadata is read, so it must be set \
             there when there is a `client`."
        ],
        /// The claim that names the same person in the caller's token and in the one for the
        /// catalog. Dots lead into objects (`realm_access.id`); a list holds the names as they are,
        /// for names with dots in them.
        subject_claim: ClaimPath [
            default "sub",
            "Most issuers name a person by one `sub` towards everybody. Where it differs per \
             client (pairwise subjects), another claim must be named, or every exchange is \
             refused."
        ],
        /// The claim that names the caller in messages and logs; `sub` stands in where a token does
        /// not have it. It never decides anything.
        name_claim: ClaimPath [
            optional "`preferred_username` for `keycloak`, otherwise `sub`",
            "People find their own name in a message."
        ],
        /// The gate's own client at this identity provider.
        client: ClientBlock [
            optional "none",
            "Tokens of this issuer are verified, but cannot be exchanged here, and no catalog may \
             name it in `token.from`."
        ],
    }
}

block! {
    /// How an issuer's keys are found: by one of its metadata documents, or at a set path.
    KeysBlock at "issuers.NAME.keys" {
        /// Which metadata is read. `oidc`: OpenID Connect Discovery 1.0,
        /// `{issuer}/.well-known/openid-configuration`. `oauth`: RFC 8414,
        /// `/.well-known/oauth-authorization-server{path of the issuer}`.
        discovery: Discovery [optional "`oidc`", "Nearly every identity provider publishes it."],
        /// Path (and query) of the JWK Set. No metadata is read then.
        jwks_path: UrlPath [
            optional "from the metadata",
            "Metadata tells it, and follows when the identity provider moves it."
        ],
    }
}

block! {
    /// The gate's own client at an identity provider, with which it exchanges tokens.
    ClientBlock at "issuers.NAME.client" {
        /// The `client_id`.
        id: ClientId [required "the identity provider must know who exchanges"],
        /// Where the client's secret is. `{env: NAME}`: in this variable of the VM's environment
        /// (Envoy's `vm_config.environment_variables`). `injected`: the filter holds none, and Envoy's
        /// credential injector on the client's `cluster` adds the `Authorization` header. A secret
        /// itself is never accepted here, because the configuration shows in Envoy's `config_dump`.
        secret: SecretPlace [
            required "the gate must prove who it is; secret: {env: NAME} or secret: injected"
        ],
        /// How the secret is sent (RFC 6749 section 2.3.1). Not with `secret: injected`, where
        /// Envoy's credential injector sends it.
        authentication: Authentication [
            optional "`client_secret_basic`",
            "Every server must support it, and request bodies end in logs more often than headers \
             do."
        ],
        /// The Envoy cluster for exchanges. With `secret: injected` it must be set, and belong to
        /// this client alone: whatever goes through it carries the gate's credential.
        cluster: Cluster [
            optional "the issuer's `cluster`",
            "Exchanges go where metadata and keys come from."
        ],
    }
}

block! {
    /// A catalog behind the gate.
    CatalogBlock at "catalogs.NAME" {
        /// Which catalog it is. It says how names in paths are decoded and which routes there are
        /// besides those of the REST spec. `iceberg`: the REST spec to the letter.
        kind: Kind [
            required "catalogs read the same path differently, and a guess would check another table than \
             the one that is loaded"
        ],
        /// The path before `/v1`, as clients send it. None may be equal to another catalog's, or
        /// lie under it.
        base_path: String [required "the gate must know which requests are the catalog's"],
        /// What stands between the levels of a namespace in a path, percent-encoded.
        namespace_separator: String [
            default DEFAULT_SEPARATOR,
            "The REST spec's own; the catalog's answer to `/v1/config` tells when it has another \
             one."
        ],
        /// How the token for this catalog is got.
        token: TokenBlock [
            required "no request reaches a catalog without a token that was made for it"
        ],
    }
}

block! {
    /// How the token for a catalog is got: by exchanging the caller's (RFC 8693).
    TokenBlock at "catalogs.NAME.token" {
        /// The issuer whose callers are served, and at whose token endpoint their tokens are
        /// exchanged. It must have a `client`.
        from: String [required "the gate must know where to exchange"],
        /// `audience` of the exchange: one, or a list. None of them may be an audience of the gate.
        audience: OneOrMore<Audience> [
            required "a token for nobody in particular would be accepted anywhere"
        ],
        /// The audience that the minted token must name.
        expect_audience: Audience [
            optional "`audience` when that is one",
            "The token must be for the catalog that was asked for. With several audiences it must \
             be set."
        ],
        /// `resource` of the exchange (RFC 8707): one, or a list.
        resource: OneOrMore<Resource> [optional "none is sent", "Few identity providers know it."],
        /// `scope` of the exchange: scopes with one space between them.
        scope: Scope [
            optional "none is sent",
            "The identity provider then gives what the client has by default."
        ],
        /// `requested_token_type` of the exchange; `none` sends none.
        requested_token_type: RequestedType [
            default RequestedType::ACCESS_TOKEN,
            "A catalog takes access tokens; some identity providers answer with another token \
             when they are not asked."
        ],
        /// Further parameters of the exchange, by name. Not those that the gate sends itself, and no
        /// credentials.
        parameters: Parameters [optional "none are sent", "RFC 8693 needs none."],
        /// Longest life of a minted token in the cache.
        life: Span<1_000, 3_600_000> [
            default limits::MINTED_LIFE,
            "A logout or a lost role at the identity provider is seen only when the cached token \
             ends."
        ],
    }
}

block! {
    /// Bounds, each per worker thread of Envoy.
    LimitsBlock at "limits" {
        /// Verified callers that are kept.
        cached_callers: Count<1, 1_000_000> [
            default limits::CACHED_CALLERS,
            "More people than use one worker in the life of a token."
        ],
        /// Bytes of tokens that are kept.
        cache_bytes: Count<1_048_576, 536_870_912> [
            default limits::CACHE_BYTES,
            "Ten thousand callers with tokens of 3 KB; the VM itself ends at 1 GiB."
        ],
        /// Requests that wait for keys or exchanges; further ones are refused.
        waiters: Count<1, 65_536> [
            default limits::WAITERS,
            "Each holds a request, with its buffered body, in Envoy's memory."
        ],
        /// Exchanges under way per issuer.
        exchanges_in_flight: Count<1, 1_024> [
            default limits::EXCHANGES_IN_FLIGHT,
            "A cold start must not run the identity provider over."
        ],
        /// Longest time that a request waits for keys and exchanges together.
        request_deadline: Span<1_000, 60_000> [
            default limits::REQUEST_DEADLINE,
            "A slow identity provider is answered for while the client still listens: they give \
             up after 30 s and more."
        ],
        /// Timeout of one exchange. Shorter than `request_deadline`.
        exchange_timeout: Span<100, 30_000> [
            default limits::EXCHANGE_TIMEOUT,
            "An exchange takes milliseconds; one that takes seconds will not end well."
        ],
        /// Time between two background refreshes of a key set.
        key_refresh: Span<10_000, 86_400_000> [
            default limits::KEY_REFRESH,
            "A key that the issuer has withdrawn is forgotten within this time."
        ],
        /// Longest use of the last good key set through an outage. Not shorter than `key_refresh`.
        key_max_age: Span<60_000, 604_800_000> [
            default limits::KEY_MAX_AGE,
            "An outage of a night stops nobody, and keys are not trusted for ever without word \
             from the issuer."
        ],
    }
}

/// One per kind of key that identity providers use.
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
];

/// What access tokens carry as `typ`.
const TOKEN_TYPES: [&str; 3] = ["jwt", "at+jwt", ""];

impl From<[Algorithm; 4]> for List<Algorithm> {
    fn from(algorithms: [Algorithm; 4]) -> Self {
        Self(algorithms.to_vec())
    }
}

impl From<[&str; 3]> for List<TokenType> {
    fn from(types: [&str; 3]) -> Self {
        Self(types.map(|name| TokenType(name.to_owned())).to_vec())
    }
}
