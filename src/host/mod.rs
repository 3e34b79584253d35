//! The only place that knows proxy-wasm and Envoy: turns callbacks into facts for the broker, and the
//! broker's effects into host calls.
//!
//! Every worker has a VM of its own, and in it one root context for each configuration of the filter. The
//! root owns the [`Gate`]; its streams share it. HTTP calls are dispatched on the root, so that they
//! outlive the stream that caused them.
#![allow(
    unreachable_pub,
    missing_docs,
    reason = "nothing of the host is seen from outside"
)]

mod abi;
mod gate;
mod imports;
mod root;
mod stream;

use proxy_wasm::traits::RootContext;

use root::Root;

// The macro of the SDK makes the module's `_initialize`.
#[allow(unsafe_code, reason = "exports of the ABI need fixed names")]
mod entry {
    use super::{Root, RootContext};

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|id| -> Box<dyn RootContext> { Box::new(Root::new(id)) });
    }}
}
