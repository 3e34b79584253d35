//! Tenants and grants, as they are written.

use crate::config::at::{AtBlock, Locations, ReachEntry};
use crate::config::block::block;
use crate::config::model::ClaimPath;
use crate::config::parts::Parameters;
use crate::config::span::Span;
use crate::config::texts::{Audience, ClaimValue, Resource, Scope};
use crate::config::values::{Count, Many, Named, OneOrMore};
use crate::config::who::{GrantWho, OneOrMoreWho};
use crate::config::words::Actions;

use super::ClientBlock;

block! {
    /// A tenant: who belongs to it, and what exists for it. Names of warehouses of somebody else's and
    /// names of none get the same answer.
    TenantBlock at "tenants.NAME" {
        /// Who belongs to it: one condition, or a list of which one must hold.
        who: OneOrMoreWho [required "a tenant without people would be nobody's"],
        /// What exists for it: per catalog, a list of warehouses. No two tenants may reach the same
        /// one. Polaris: the catalog's name. Nessie: `reference|warehouse`, both written; a table
        /// belongs to its reference, so that no two tenants may reach one reference. Lakekeeper and
        /// others: the warehouse's name. `{warehouse: NAME, prefix: PREFIX}`: a warehouse whose prefix
        /// is known (decoded; the empty text where paths have none); without a known prefix the gate
        /// asks the catalog, by its `cluster`.
        reach: Named<Many<ReachEntry>> [
            required "what is not written does not exist for the tenant"
        ],
        /// Where its files may lie: `s3://bucket/`, `s3://bucket/folder/`. Every storage location that
        /// a request names must lie in one of them. No two tenants' locations may lie in each other.
        /// `catalog_decides`: the catalog alone judges locations, and existing tables cannot be
        /// registered.
        locations: Locations [
            optional "`catalog_decides`, with a single tenant",
            "With several tenants one could point its tables at another's files, so it must be written."
        ],
        /// How tokens for this tenant's people are got where it is not as the catalog says: per
        /// catalog.
        token: Named<TenantTokenBlock> [
            optional "as the catalog says",
            "Tenants differ in what they may do, seldom in how tokens are got."
        ],
        /// Caps, so that one tenant cannot starve another.
        limits: TenantLimitsBlock [block "no caps of its own."],
    }
}

block! {
    /// What is different for this tenant's tokens. What is not written is as `catalogs.NAME.token`
    /// says.
    TenantTokenBlock at "tenants.NAME.token.CATALOG" {
        /// The issuer whose callers are served, and where their tokens are exchanged.
        from: String [optional "as the catalog says", "Most companies have one."],
        /// `audience` of the exchange: one, or a list.
        audience: OneOrMore<Audience> [optional "as the catalog says", "One catalog, one audience."],
        /// The audience that the minted token must name.
        expect_audience: Audience [
            optional "`audience` when that is one, else as the catalog says",
            "The token must be for the catalog that was asked for."
        ],
        /// `resource` of the exchange: one, or a list.
        resource: OneOrMore<Resource> [optional "as the catalog says", "Few identity providers know it."],
        /// `scope` of the exchange.
        scope: Scope [optional "as the catalog says", "One catalog, one set of scopes."],
        /// Further parameters of the exchange, by name, in place of all of the catalog's.
        parameters: Parameters [optional "as the catalog says", "RFC 8693 needs none."],
        /// Longest life of a minted token in the cache.
        life: Span<1_000, 3_600_000> [optional "as the catalog says", "One rule for all is easier to keep."],
        /// The client with which the gate exchanges for this tenant.
        client: ClientBlock [optional "the issuer's", "One client of the gate can serve all."],
    }
}

block! {
    /// Caps of one tenant, each per worker thread of Envoy.
    TenantLimitsBlock at "tenants.NAME.limits" {
        /// Minted tokens of its people that are kept. One more takes the place of the one that was not
        /// used for the longest time among the tenant's own.
        cached_callers: Count<1, 1_000_000> [
            optional "none of its own",
            "All share `limits.cached_callers`."
        ],
        /// Exchanges a second, on average over ten seconds. More are refused with `Retry-After`.
        exchanges_per_second: Count<1, 10_000> [
            optional "none of its own",
            "All share `limits.exchanges_in_flight`."
        ],
    }
}

block! {
    /// A grant: what some of a tenant's people may do, or may not, at some places within its border.
    GrantBlock at "grants[]" {
        /// The tenant.
        tenant: String [required "a grant holds within one tenant's border"],
        /// Whose it is: `all` of the tenant's people, one condition, or a list of which one must hold.
        who: GrantWho [required "the gate does not guess whom a grant is for; write all for everybody"],
        /// What they may do: classes (`read`, `write`, `commit`, `admin`, `sign`, `credentials`,
        /// `config`, or `all`) and operations by their names in the REST spec (`loadTable`). Each stands
        /// for itself: `write` holds no `read`.
        may: Actions [optional "nothing", "A grant can be a `deny` alone."],
        /// What they may not do, whatever else is granted.
        deny: Actions [optional "nothing", "What is not granted is refused anyway."],
        /// Where: per catalog, a list of its warehouses as `reach` has them; or per warehouse a list
        /// of places. A place is a namespace by its levels, `[sales, orders]`: that namespace and the
        /// tables and views in it. `"*"` stands for any one level, `"**"` at the end for the namespace
        /// and all below it; `[]` is the warehouse's root, where top namespaces are listed.
        /// `{namespace: [sales], table: orders}` (or `view:`) is one table.
        at: AtBlock [optional "everywhere within the tenant's border", "The border holds in any case."],
    }
}

block! {
    /// A condition on a verified caller: the issuer, and an exact value of a claim.
    WhoBlock at "WHO" {
        /// The issuer, by its name in `issuers`.
        issuer: String [
            optional "the tenant's, in grants of a tenant whose people come from one issuer",
            "Two issuers may use one claim for different things."
        ],
        /// The claim: `groups`, `tenant`; dots lead into objects (`realm_access.roles`); a list holds
        /// the names as they are, for names with dots in them. It may be text or a list of texts.
        claim: ClaimPath [optional "`sub`, with `sub`", "One of the two must be written."],
        /// The value, exactly; or a list of which one must be there.
        has: OneOrMore<ClaimValue> [optional "none", "Goes with `claim`."],
        /// The `sub` of the caller's token; or a list.
        sub: OneOrMore<ClaimValue> [optional "none", "In place of `claim` and `has`."],
    }
}
