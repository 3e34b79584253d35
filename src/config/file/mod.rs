//! The configuration as it is written, block by block. The texts here are the reference and the
//! descriptions in the JSON schema.

mod catalogs;
mod gate_tokens;
mod issuers;
mod services;
mod tenants;

pub(crate) use catalogs::*;
pub(crate) use gate_tokens::*;
pub(crate) use issuers::*;
pub(crate) use services::*;
pub(crate) use tenants::*;

use super::block::block;
use super::model::{Access, Delegation, Lines};
use super::span::Span;
use super::values::{Count, Named, Unread};
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
        /// Who decides what a caller may do. `catalog_decides`: the gate proves who calls, holds the
        /// border of `tenants` if there are any, and the catalog decides everything else. `grants`:
        /// what no grant allows is refused.
        access: Access [
            required "the gate does not guess who decides; write catalog_decides when the catalog does"
        ],
        /// The border: groups of callers that share warehouses, by names of your choice (`a-z`,
        /// `0-9`, `_`, `-`). At most 4096. Whoever belongs to no tenant is refused.
        tenants: Named<TenantBlock, { limits::TENANTS }> [
            optional "none",
            "Every caller may name every warehouse, and the catalog decides."
        ],
        /// What some of a tenant's people may do within its border, with `access: grants`. All that
        /// hold for a caller count together, whatever their order; `deny` wins.
        grants: Unread<GrantBlock, { limits::GRANTS }> [optional "none", "Nothing is granted."],
        /// Persons who are refused whatever else holds, from their next request on.
        denied: Unread<WhoBlock, { limits::GRANTS }> [optional "none", "Nobody is."],
        /// The programs that may call, by names of your choice (`a-z`, `0-9`, `_`, `-`). At most 1024.
        services: Named<ServiceBlock, { limits::SERVICES }> [
            optional "none",
            "Whoever is a program is refused: an engine that falls back to its own account must not go on as nobody in \
             particular."
        ],
        /// Rules that are tried before they are held.
        report_only: ReportOnlyBlock [block "every rule is held."],
        /// What becomes of a request that asks for storage credentials or signatures
        /// (`X-Iceberg-Access-Delegation`) which no grant allows. `remove`: the word is taken off the
        /// request, and the answer's credentials with it. `refuse`: the request is refused.
        delegation: Delegation [
            default Delegation::Remove,
            "Clients ask for credentials whether they need them or not."
        ],
        /// Whether the filter's `allow_on_headers_stop_iteration` is `true` in Envoy. The filter cannot
        /// see it, and the two must agree.
        allow_on_headers_stop_iteration: bool [
            default false,
            "Envoy's own default. Bodies cannot be held then: the catalog's answers go to clients as \
             they are, and rules that depend on a request's body do not load."
        ],
        /// A line of JSON for each request, and what Envoy's own logs and filters may see.
        audit: AuditBlock [block "nothing is written."],
        /// Bounds per worker thread of Envoy.
        limits: LimitsBlock [block "every bound has its default"],
    }
}

block! {
    /// Rules that are tried before they are held.
    ReportOnlyBlock at "report_only" {
        /// What the grants would refuse is logged and counted, and passes. The border, names that lead
        /// out of it, and storage locations are held all the same.
        grants: bool [default false, "A rule that is written is meant."],
    }
}

block! {
    /// What is told about requests, beside the counters.
    AuditBlock at "audit" {
        /// For which requests a line of JSON is written to Envoy's log: `none`, `refusals`, `commits`
        /// (everything that may change something, and all refusals), `all`.
        lines: Lines [default Lines::None, "A line costs time and disk."],
        /// Whether each request's identity and decision are put into Envoy's filter state
        /// (`wasm.icegate.subject`, ...), for access logs and RBAC.
        filter_state: bool [default false, "It costs a call of the host for each name."],
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
        /// Longest body of a request that is read, where a rule depends on it, in bytes. A longer one is
        /// refused. Envoy's `per_connection_buffer_limit_bytes` does not count for it.
        request_body: Count<1_024, 67_108_864> [
            default limits::REQUEST_BODY,
            "A commit has a few KB, and one of thousands of snapshots or a very wide table some \
             hundred."
        ],
        /// Longest answer of a catalog that is looked through, in bytes. A longer one about a table goes
        /// on as it is, unless credentials are withheld or the tenant has `locations`; then, and for
        /// `/v1/config`, it is refused.
        guarded_answer: Count<1_024, { limits::GUARDED_ANSWER_BYTES }> [
            default limits::GUARDED_ANSWER,
            "The metadata of a table with thousands of snapshots is shorter."
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
