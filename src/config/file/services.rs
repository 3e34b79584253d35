//! The programs that may call, as they are written.

use super::ClientBlock;
use crate::config::block::block;
use crate::config::model::{ClaimPath, SpeaksBy};
use crate::config::parts::{KeyPlace, SecretPlace, ServiceToken};
use crate::config::texts::{
    Audience, ClaimValue, ClientId, Cluster, KeyId, PeerName, Scope, SpokenName, SubjectTemplate,
};
use crate::config::values::{Many, OneOrMore};
use crate::config::who::OneOrMoreWho;
use crate::config::words::Actions;
use crate::dialect::ClientMethod;
use crate::limits;

block! {
    /// A program that may call: an engine's own account, a robot. It may do what `may` says and nothing else, and never
    /// stands in for a person: a person whose token has expired is refused, whatever the engine may do by itself.
    ServiceBlock at "services.NAME" {
        /// Whose tokens it has.
        who: ServiceWhoBlock [required "a program is known by its own token"],
        /// The tenants within whose border it calls: one, or a list.
        tenant: OneOrMore<String> [
            optional "those whose `who` it matches",
            "It is held by the border like everybody else."
        ],
        /// What it may do: classes and operations, as grants have them. It stands for the program's grants; what the
        /// grants deny stays denied. Engines start with `config`.
        may: Actions [required "what is not written is refused"],
        /// How its tokens for the catalogs are got. `exchange`: its own is exchanged, like a person's.
        /// `{client_credentials: ...}`: with an account of its own.
        token: ServiceToken [optional "`exchange`", "The catalog sees the program that calls."],
        /// For whom its word is taken at the token endpoint, without a token of that person.
        speaks_for: SpeaksForBlock [optional "nobody", "An engine's word proves nothing."],
    }
}

block! {
    /// How a program is known: by its issuer, *and* by what only its own token has: the `sub` of its service account, or a
    /// claim that says as much. The client alone (`azp`, `client_id`) also stands in the tokens of people who log in
    /// through that client, and such a rule does not load.
    ServiceWhoBlock at "services.NAME.who" {
        /// The issuer, by its name in `issuers`.
        issuer: String [required "a claim means what its issuer means by it"],
        /// A claim: dots lead into objects; a list holds the names as they are. It may be text or a list of texts.
        claim: ClaimPath [optional "`sub`, with `sub`", "One of the two must be written."],
        /// The claim's value, exactly; or a list of which one must be there.
        has: OneOrMore<ClaimValue> [optional "none", "Goes with `claim`."],
        /// The `sub` of the program's token; or a list.
        sub: OneOrMore<ClaimValue> [optional "none", "In place of `claim` and `has`."],
        /// The client that its token was issued to (`azp`, else `client_id`), beside that. With it the program can log in
        /// at the token endpoint.
        azp: ClientId [
            optional "any",
            "The `sub` of a service account belongs to one client. Without it the token endpoint does not know the client's \
             id, and does not let it log in."
        ],
        /// What the certificate of its connection must name: a URI or DNS name of its subject alternative names, exactly,
        /// as Envoy verified it (`spiffe://...`).
        peer: PeerName [
            optional "any connection",
            "A token that was stolen from the engine is then good from anywhere."
        ],
    }
}

block! {
    /// In place of `exchange`.
    OwnAccountBlock at "services.NAME.token" {
        /// An account of the program's own at the identity provider.
        client_credentials: ClientCredentialsBlock [
            required "it is the only way beside exchange"
        ],
    }
}

block! {
    /// An account of the program's own, with which the gate gets tokens for the catalogs by itself (RFC 6749 section 4.4).
    /// What is asked for is what the catalog's `token` says, but for its `audience` and `parameters`: these belong to the
    /// exchange. The token must name the catalog's `expect_audience` all the same.
    ClientCredentialsBlock at "services.NAME.token.client_credentials" with one of ["secret", "authentication"] {
        /// The issuer where the account is, by its name in `issuers`. The account leads to the catalogs whose tokens come from
        /// this issuer too (`token.at`, or `token.from` without it); at others it is refused what the account is for.
        from: String [required "the gate must know where the account is"],
        /// The `client_id`.
        id: ClientId [required "the identity provider must know whose account it is"],
        /// Where the client's secret is: `{env: NAME}` or `injected`, as in `issuers.NAME.client`.
        secret: SecretPlace [
            optional "none, with `private_key_jwt` and `tls_client_auth`; otherwise it must be set",
            "The gate must prove itself, and does so by a key then."
        ],
        /// How the client proves itself, as in `issuers.NAME.client`.
        authentication: ClientMethod [
            optional "`client_secret_basic`",
            "Every server must support it."
        ],
        /// Where the private key is, for `private_key_jwt`, as in `issuers.NAME.client`.
        key: KeyPlace [optional "none", "Only `private_key_jwt` needs one, and then it must be set."],
        /// The key's `kid`.
        key_id: KeyId [optional "none", "Goes with `key`."],
        /// `aud` of the assertion, as in `issuers.NAME.client`.
        assertion_audience: Audience [
            optional "the URL of the token endpoint for `okta`, otherwise the issuer's `issuer`",
            "Identity providers take their own issuer; some want their token endpoint's URL."
        ],
        /// The Envoy cluster for these calls. With `secret: injected` and with `tls_client_auth` it must be set, and belong
        /// to this client alone.
        cluster: Cluster [
            optional "the issuer's `cluster`",
            "They go where metadata and keys come from."
        ],
        /// `audience` of what is asked for: one, or a list.
        audience: OneOrMore<Audience> [
            optional "none is sent",
            "Keycloak takes none here: it gives the audiences that the client has. Auth0 wants it."
        ],
        /// `scope` of what is asked for.
        scope: Scope [optional "as the catalog's `token` says", "One catalog, one set of scopes."],
        /// The operations for which this account is used; for all others its own token is exchanged. Classes and
        /// operations, all of them within `may`.
        r#for: Actions [optional "all of `may`", "One account for all that it does."],
    }
}

impl ClientCredentialsBlock {
    /// What it says about the client.
    pub(crate) fn client(&self) -> ClientBlock {
        ClientBlock {
            id: self.id.clone(),
            secret: self.secret.clone(),
            authentication: self.authentication,
            key: self.key.clone(),
            key_id: self.key_id.clone(),
            assertion_audience: self.assertion_audience.clone(),
            // It exchanges nothing.
            subject_token_type: Some(None),
            cluster: self.cluster.clone(),
        }
    }
}

block! {
    /// For whom a program's word is taken at the token endpoint: it names a person, unsigned, and the gate gets a token of
    /// that person (Trino's `session=USER`). **Whoever holds this engine's token can be anybody of these people, without
    /// their password and without their knowledge. So write down as few people as will do, bind the engine to its
    /// connection (`who.peer`), and guard the engine's secret and the gate's assertion key like those of the identity
    /// provider.** Of `tenants`, `who` and `names` at least one must be there, and whatever is there must hold.
    SpeaksForBlock at "services.NAME.speaks_for" {
        /// How the identity provider is made to give a token of that person. `assertion`: the gate signs an assertion (RFC
        /// 7523), with `gate_tokens.assertion` of the program's issuer. `impersonation`: the gate's client for gate tokens
        /// may impersonate (Keycloak's `requested_subject`, deprecated there).
        by: SpeaksBy [required "each is another trust; see the identity provider's side of it first"],
        /// The person must be of one of these tenants: one, or a list.
        tenants: OneOrMore<String> [
            optional "none, without `tenants`",
            "Where there are tenants it must be set: no engine speaks for everybody's people."
        ],
        /// The person must match this condition, or one of a list. The issuer is the program's.
        who: OneOrMoreWho [optional "anybody of them", "Groups keep the list short."],
        /// The only names that the program may say, exactly. At most 4096.
        names: Many<SpokenName, { limits::SPOKEN_NAMES }> [optional "any", "People come and go."],
        /// Names that it may never say, in whatever case. At most 4096.
        never: Many<SpokenName, { limits::SPOKEN_NAMES }> [
            optional "none",
            "Programs are never spoken for, and who is `denied` is not either."
        ],
        /// What the identity provider knows the person by: `sub` of the assertion, or the user name to impersonate.
        /// `{user}` stands for the name as the engine says it.
        subject: SubjectTemplate [default SubjectTemplate::AS_SAID, "Names are the same on both sides, mostly."],
        /// The issuer that must have signed the engine's word, by its name in `issuers`: then it is no unsigned JWT that
        /// is taken, but only one that this issuer signed.
        signed_by: String [
            optional "the word is unsigned",
            "Trino signs nothing. An engine that can sign should."
        ],
    }
}
