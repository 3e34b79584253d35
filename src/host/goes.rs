//! What a callback answers to Envoy.

/// What becomes of headers: `FilterHeadersStatus` of Envoy, which has more values than `proxy_action_t` of
/// the ABI. docs/design.md, "The host, watched", tells what each came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadersGo {
    /// They go on.
    On = 0,
    /// They wait, and the body comes piece by piece. Without `allow_on_headers_stop_iteration` it does not
    /// come: then this is [`Self::NotYet`]. Never for headers that have no body behind them.
    AwaitBody = 1,
    /// They wait, and so does all that is behind them: the client is slowed down, and nothing is put by.
    NotYet = 4,
}

/// What becomes of a piece of a body: `FilterDataStatus` of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataGoes {
    /// It goes on, and with it all that waited.
    On = 0,
    /// It waits at Envoy, which slows the sender down when that gets much, and never answers 413 for it.
    NotYet = 2,
    /// It was taken: Envoy forgets it. Whoever took all of a body puts it back with the last piece.
    Taken = 3,
}

/// What becomes of trailers: `FilterTrailersStatus` of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrailersGo {
    /// They go on.
    On = 0,
    /// They wait.
    NotYet = 1,
}
