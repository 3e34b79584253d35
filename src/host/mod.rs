//! The only place that knows the proxy-wasm ABI and Envoy: turns callbacks into facts for the broker, and
//! the broker's effects into host calls.
//!
//! Every worker has a VM of its own, and in it one root context for each configuration of the filter. The
//! root owns the [`Gate`](gate::Gate); its streams share it. What the host calls stands in `exports`, what it
//! is asked for in `imports`.

mod abi;
mod answer;
mod contexts;
mod exports;
mod gate;
mod goes;
mod imports;
mod root;
mod stream;
