//! The identity providers, as they are written.

use super::{GateTokensBlock, ProgramBlock};
use crate::config::block::block;
use crate::config::model::{ClaimPath, Profile};
use crate::config::parts::{KeyPlace, SecretPlace};
use crate::config::span::Span;
use crate::config::texts::{
    Audience, Authority, ClientId, Cluster, IssuerUrl, KeyId, TokenType, TokenTypeUri, UrlPath,
};
use crate::config::values::{List, Many};
use crate::config::words::Discovery;
use crate::dialect::ClientMethod;
use crate::jose::Algorithm;
use crate::limits;

block! {
    /// An identity provider: whose tokens are accepted, and where tokens are exchanged.
    IssuerBlock at "issuers.NAME" {
        /// How the identity provider speaks. `keycloak`: the standard token exchange of Keycloak
        /// 26.2 and later. `rfc8693`: any server that follows RFC 8693 and RFC 6749 to the letter.
        /// `entra`: the on-behalf-of flow of Microsoft Entra ID. `okta`: the on-behalf-of token exchange of
        /// Okta. `auth0`: the on-behalf-of and the custom token exchange of Auth0. What each can do and what
        /// it needs: docs/identity-providers.md.
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
            optional "`oid` for `entra`, otherwise `sub`",
            "Most issuers name a person by one `sub` towards everybody. Where it differs per \
             client (pairwise subjects), another claim must be named, or every exchange is \
             refused."
        ],
        /// The claim that names the caller in messages and logs; `sub` stands in where a token does
        /// not have it. It never decides anything.
        name_claim: ClaimPath [
            optional "`preferred_username` for `keycloak` and `entra`, otherwise `sub`",
            "People find their own name in a message."
        ],
        /// The gate's own client at this identity provider.
        client: ClientBlock [
            optional "none",
            "Tokens of this issuer are verified, but cannot be exchanged here, and no catalog may \
             name it in `token.from`."
        ],
        /// How gate tokens are got here: the gate then answers `{base_path}/v1/oauth/tokens` of the catalogs whose
        /// `token.from` is this issuer. Needs `allow_on_headers_stop_iteration`.
        gate_tokens: GateTokensBlock [
            optional "none",
            "The token endpoint answers `unsupported_grant_type`; engines get their tokens at the identity provider \
             themselves."
        ],
        /// Further marks of programs' tokens. Whoever has one is a program, and refused unless `services` lists it. At
        /// most 256.
        programs: Many<ProgramBlock> [
            optional "what programs' tokens have by themselves",
            "A user name that begins with `service-account-` (Keycloak), `idtyp: app` (Entra), and a `sub` that is the \
             client itself (RFC 9068) are known. Where an identity provider marks programs otherwise, or not at all, \
             they count as persons."
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
    ClientBlock at "issuers.NAME.client" with one of ["secret", "authentication"] {
        /// The `client_id`.
        id: ClientId [required "the identity provider must know who exchanges"],
        /// Where the client's secret is. `{env: NAME}`: in this variable of the VM's environment
        /// (Envoy's `vm_config.environment_variables`). `injected`: the filter holds none, and Envoy's
        /// credential injector on the client's `cluster` adds the `Authorization` header. A secret
        /// itself is never accepted here, because the configuration shows in Envoy's `config_dump`.
        secret: SecretPlace [
            optional "none, with `private_key_jwt` and `tls_client_auth`; otherwise it must be set",
            "The gate must prove who it is, and does so by a key then."
        ],
        /// How the gate proves itself. `client_secret_basic`, `client_secret_post`: by its secret (RFC 6749
        /// section 2.3.1). `private_key_jwt`: by an assertion that it signs with `key`, anew for each exchange
        /// (RFC 7523 section 2.2). `tls_client_auth`: by the certificate that Envoy's `cluster` presents (RFC
        /// 8705); the identity provider must not bind its tokens to that. Not with `secret: injected`, where
        /// Envoy's credential injector sends it.
        authentication: ClientMethod [
            optional "`client_secret_basic`",
            "Every server must support it, and request bodies end in logs more often than headers \
             do."
        ],
        /// Where the private key is, for `private_key_jwt`. `{env: NAME}`: in this variable of the VM's
        /// environment, as PEM: EC P-256 (`ES256`) or RSA (`RS256`).
        key: KeyPlace [optional "none", "Only `private_key_jwt` needs one, and then it must be set."],
        /// The key's `kid`, by which the identity provider finds its public half.
        key_id: KeyId [optional "none", "Goes with `key`."],
        /// `aud` of the assertion.
        assertion_audience: Audience [
            optional "the URL of the token endpoint for `okta`, otherwise the issuer's `issuer`",
            "Identity providers take their own issuer; some want their token endpoint's URL."
        ],
        /// `subject_token_type` of exchanges, for `rfc8693` and `auth0`: a token type identifier (RFC 8693
        /// section 3). With a type of your own, Auth0's custom token exchange is used.
        subject_token_type: TokenTypeUri [
            optional "`urn:ietf:params:oauth:token-type:access_token`",
            "Callers come with access tokens."
        ],
        /// The Envoy cluster for exchanges. With `secret: injected` and with `tls_client_auth` it must be set,
        /// and belong to this client alone: whatever goes through it carries the gate's credential.
        cluster: Cluster [
            optional "the issuer's `cluster`",
            "Exchanges go where metadata and keys come from."
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
