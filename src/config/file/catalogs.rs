//! The catalogs and how their tokens are got, as they are written.

use crate::config::block::block;
use crate::config::model::{ClaimPath, ViewOwner};
use crate::config::parts::Parameters;
use crate::config::span::Span;
use crate::config::texts::{
    Audience, Authority, ClaimValue, Cluster, PublicUrl, RequestedType, Resource, Scope,
    WarehouseName,
};
use crate::config::values::OneOrMore;
use crate::iceberg::{DEFAULT_SEPARATOR, Kind};
use crate::limits;

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
        /// This catalog's address as clients know it, base path included:
        /// `https://gate.example.com/iceberg`. Addresses in the catalog's answers that lie below it
        /// are kept; all others that would lead a client elsewhere are taken out.
        public_url: PublicUrl [
            optional "none",
            "Clients stay at the address that they were given; what they need no address for is \
             taken out of the answers."
        ],
        /// The warehouse that the catalog takes when a client names none.
        default_warehouse: WarehouseName [
            optional "none",
            "With tenants, a client that names no warehouse is told to name one."
        ],
        /// Nessie: the reference that stands for itself when a prefix names none.
        default_branch: WarehouseName [
            optional "`main` for `nessie`",
            "Nessie's own default."
        ],
        /// Nessie, with tenants: whether a table may be named with a reference, as in `t@dev`. The
        /// reference must then lie within the same tenant's border, with the same warehouse.
        table_references: bool [
            default false,
            "A name with a reference leads out of the prefix that was decided on."
        ],
        /// Whether the catalog takes names that differ in case for one and the same. Then so do the
        /// grants, and names outside of ASCII are refused where a rule depends on them.
        names_ignore_case: bool [
            optional "`true` for `lakekeeper`, otherwise `false`",
            "Catalogs over Hive, Glue or MySQL ignore case too: set it for them."
        ],
        /// As whom engines may run what a view says. Trino writes the view's owner into it
        /// (`trino.run-as-owner`), and whoever reads the view then reads its tables as that owner. `caller`: a
        /// view is written only by the one whom it names, by the name that `name_claim` has; requests that
        /// write views are read for it.
        view_owner: ViewOwner [
            default ViewOwner::Any,
            "Only engines that speak for their users act on it, and engines differ in the names that they \
             have for them."
        ],
        /// The Envoy cluster that leads to the catalog, for asking the prefixes of warehouses that are
        /// not written in `reach`.
        cluster: Cluster [
            optional "none",
            "The gate asks the catalog nothing; all prefixes must be known."
        ],
        /// The `:authority` of those calls.
        authority: Authority [
            optional "the name of `cluster`",
            "Catalogs take any, but where several share an address."
        ],
        /// Names as which nobody may reach the catalog, whatever the identity provider says: a claim
        /// of the minted token, and its forbidden values. Polaris takes a token of the name `root` for
        /// its own root.
        never_as: NeverAsBlock [optional "none", "The identity provider is trusted with names."],
    }
}

block! {
    /// How the token for a catalog is got: by exchanging the caller's (RFC 8693).
    TokenBlock at "catalogs.NAME.token" with one of ["audience", "expect_audience"] {
        /// The issuer whose callers are served, and at whose token endpoint their tokens are
        /// exchanged. It must have a `client`, unless `at` names another.
        from: String [required "the gate must know where to exchange"],
        /// The issuer at whose token endpoint they are exchanged, and whose the tokens for the catalog are,
        /// where that is another: an authorization server that trusts the tokens of `from`. It must have a
        /// `client`.
        at: String [
            optional "`from`",
            "Most identity providers give tokens for all audiences at one issuer. Okta needs it: an \
             authorization server there has one audience."
        ],
        /// `audience` of the exchange: one, or a list. None of them may be an audience of the gate. Not with
        /// `entra`, where `scope` names the catalog.
        audience: OneOrMore<Audience> [
            optional "none, with `entra`; otherwise it must be set",
            "A token for nobody in particular would be accepted anywhere."
        ],
        /// The audience that the minted token must name.
        expect_audience: Audience [
            optional "`audience` when that is one",
            "The token must be for the catalog that was asked for. Without `audience`, and with several, it must \
             be set."
        ],
        /// `resource` of the exchange (RFC 8707): one, or a list.
        resource: OneOrMore<Resource> [optional "none is sent", "Few identity providers know it."],
        /// `scope` of the exchange: scopes with one space between them. `entra` and `okta` need it.
        scope: Scope [
            optional "none is sent",
            "The identity provider then gives what the client has by default."
        ],
        /// `requested_token_type` of the exchange; `none` sends none. `entra` and `okta` are never sent one.
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
    /// Names as which nobody may reach the catalog.
    NeverAsBlock at "catalogs.NAME.never_as" {
        /// The claim of the minted token.
        claim: ClaimPath [required "the gate must know which claim the catalog takes for the name"],
        /// Its forbidden values, exactly.
        r#in: OneOrMore<ClaimValue> [required "without a name the rule would say nothing"],
    }
}
