//! icegate: the identity gate for Apache Iceberg REST catalogs, a proxy-wasm filter for Envoy.
//!
//! The library is sans-IO: facts go in by method calls, each with the time, and effects come out.
//! Only [`host`](self) (compiled for wasm32 alone) knows that Envoy exists. `docs/design.md` tells
//! how the parts fit together; the layers below import only downward, which `tests/layers.rs` holds.

// words
pub mod clock;
pub mod json;
pub mod limits;
pub mod secret;
pub mod text;
pub mod wire;
// protocols
pub mod iceberg;
pub mod jose;
pub mod oauth;
// domain
pub mod audit;
pub mod backoff;
pub mod cache;
pub mod config;
pub mod dialect;
pub mod exchange;
pub mod guard;
pub mod identity;
pub mod policy;
pub mod refusal;
pub mod telemetry;
// broker
pub mod broker;
// host
#[cfg(target_arch = "wasm32")]
mod host;
