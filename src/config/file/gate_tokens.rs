//! How gate tokens are got at an identity provider, as it is written.

use super::ClientBlock;
use crate::config::block::block;
use crate::config::model::ClaimPath;
use crate::config::parts::{KeyPlace, Scopes};
use crate::config::span::Span;
use crate::config::texts::{Audience, ClaimValue, Cluster, ExactPath, IssuerUrl, KeyId, Resource};
use crate::config::values::{Many, OneOrMore};
use crate::limits;

block! {
    /// How gate tokens are got: what the token endpoint of catalogs (`{base_path}/v1/oauth/tokens`) gives. A gate token is
    /// for the gate alone, and the only kind that an engine ever holds. Every answer of the identity provider is checked
    /// before it is given: one of the issuer's `audiences`, none of any catalog, and who was asked for.
    GateTokensBlock at "issuers.NAME.gate_tokens" {
        /// The gate's client for gate tokens: another one than any that exchanges for catalogs.
        client: ClientBlock [
            optional "none",
            "Engines log in with their own id and secret (`client_credentials`), and nothing else is answered: no \
             exchange, no refresh, and nobody may speak for others."
        ],
        /// `audience` of what is asked for: one, or a list. None of them may be an audience of a catalog.
        audience: OneOrMore<Audience> [
            optional "none is sent",
            "The identity provider then gives what the client has by default."
        ],
        /// `resource` of what is asked for (RFC 8707): one, or a list.
        resource: OneOrMore<Resource> [optional "none is sent", "Few identity providers know it."],
        /// The scopes that clients may ask for, each with the scopes that the identity provider is asked for in its place;
        /// the empty text asks for none. Another scope is `invalid_scope`. At most 64.
        scopes: Scopes [
            default Scopes::OF_CLIENTS,
            "What Iceberg clients ask for when nobody tells them otherwise; no identity provider knows it, so it is never \
             passed on."
        ],
        /// The Envoy cluster for engines' own logins. It must add no credential: whoever logs in through it would get the
        /// gate's identity.
        cluster: Cluster [
            optional "the issuer's `cluster`",
            "Logins go where metadata and keys come from."
        ],
        /// How long a good login is remembered. `0s`: never.
        remember: Span<0, { limits::LOGIN_LIFE.as_millis() as u64 }> [
            default limits::LOGIN_LIFE,
            "Some engines log in for each operation. A secret that was withdrawn is good for this long, and the token that \
             it brought for the token's life anyway."
        ],
        /// Longest life of a gate token that clients are told of, and for which an engine's word is remembered. Iceberg's Java
        /// client goes by the token's own `exp`: set that at the identity provider.
        life: Span<1_000, 86_400_000> [
            default limits::GATE_TOKEN_LIFE,
            "Whom an engine may no longer speak for is seen only when the remembered token ends."
        ],
        /// Longest time from the login (`auth_time`) to the last refresh; where tokens do not tell, from the first one that
        /// this worker gave. Not shorter than `life`.
        session: Span<1_000, 604_800_000> [
            default limits::SESSION_LIFE,
            "A working day; Keycloak's own default for sessions."
        ],
        /// Whether the identity provider is told which engine acts for a person (`actor_token`, RFC 8693 section 2.1), where an
        /// engine shows a person's token beside its own. It may then write the engine into the person's gate token (`act`).
        delegation: bool [
            default false,
            "Most identity providers do not know it, and some refuse what they do not know. Audit lines name the engine in \
             any case."
        ],
        /// The assertions that the gate signs, to get tokens of the people for whom a service may speak.
        assertion: AssertionBlock [
            optional "none",
            "No service may speak for others `by: assertion`."
        ],
    }
}

block! {
    /// The assertions that the gate signs (RFC 7523 section 3): one for each person, at most a minute long, and for this
    /// identity provider alone. **Whoever holds one of these keys can be anybody whom the identity provider links to this
    /// issuer.**
    AssertionBlock at "issuers.NAME.gate_tokens.assertion" {
        /// `iss` of the assertions: the URL by which the identity provider knows the gate. It must not be the `issuer` of
        /// anybody whose tokens are accepted here.
        issuer: IssuerUrl [required "the identity provider knows the gate's keys by it"],
        /// `aud` of the assertions.
        audience: Audience [
            optional "the issuer's `issuer`",
            "Identity providers take their own issuer; some want their token endpoint's URL."
        ],
        /// The gate's keys. The first signs, and all are in the key set that the gate serves: while one takes another's
        /// place, the new one stands behind the old one first, until the identity provider has read it. At most 4.
        keys: Many<AssertionKeyBlock, { limits::ASSERTION_KEYS }> [
            required "an assertion is worth what its signature is worth"
        ],
        /// Life of an assertion.
        life: Span<1_000, { limits::ASSERTION_LIFE.as_millis() as u64 }> [
            default limits::ASSERTION_LIFE,
            "It is used at once, and once; what is left is for clocks that differ."
        ],
        /// The path at which the gate serves its key set (RFC 7517), to everybody and without a token. Exactly this path,
        /// outside of every catalog's `base_path`.
        jwks_path: ExactPath [
            optional "it is not served",
            "The public keys are given to the identity provider otherwise."
        ],
    }
}

block! {
    /// A key of the gate's own.
    AssertionKeyBlock at "issuers.NAME.gate_tokens.assertion.keys[]" {
        /// Its `kid`.
        id: KeyId [required "the identity provider finds the key by it"],
        /// Where the private key is. `{env: NAME}`: in this variable of the VM's environment (Envoy's
        /// `vm_config.environment_variables`), as PEM (PKCS#8, `BEGIN PRIVATE KEY`): EC P-256 (`ES256`) or RSA (`RS256`).
        key: KeyPlace [required "the gate signs with it; key: {env: NAME}"],
    }
}

block! {
    /// A mark of programs' tokens: an exact value of a claim.
    ProgramBlock at "issuers.NAME.programs[]" {
        /// The claim; dots lead into objects, a list holds the names as they are.
        claim: ClaimPath [required "the gate must know where the mark is"],
        /// The value, exactly; or a list of which one must be there.
        has: OneOrMore<ClaimValue> [required "a claim's value decides"],
    }
}
