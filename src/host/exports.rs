//! The functions of the proxy-wasm ABI 0.2.1 that the host calls, and nothing else: each finds its context
//! and hands over. Numbers stay numbers, so that no value of the host's is one that a type does not have.
//! A callback that is left out costs the host nothing: what others do in `proxy_on_done` is done in
//! `proxy_on_delete`, which follows at once.
#![allow(unsafe_code, reason = "exports of the ABI need fixed names")]

use std::alloc::{Layout, alloc};
use std::ptr::{NonNull, null_mut};

use super::abi::__wasm_call_ctors;
use super::contexts::{self, Context};
use super::stream::{self, DataGoes, HeadersGo, TrailersGo};

/// By its name the host knows the version of the ABI.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// A WASI reactor's start, once for each VM and before everything else.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the host calls this once and first.
    unsafe { __wasm_call_ctors() }
}

/// Memory for what the host hands over; `imports` makes a `Vec` of it. Called in the middle of calls that the
/// gate makes, so it touches nothing else. Null (the host gives up its call) when there is no more memory.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        Ok(layout) if size > 0 => {
            // SAFETY: the layout's size is not zero.
            unsafe { alloc(layout) }
        }
        Ok(_) => NonNull::dangling().as_ptr(),
        Err(_) => null_mut(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, root: u32) {
    contexts::create(id, root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _configuration: usize) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, configuration: usize) -> u32 {
    contexts::root(root)
        .is_some_and(|root| root.configure(configuration))
        .into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    if let Some(root) = contexts::root(root) {
        root.tick();
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(root: u32, queue: u32) {
    if let Some(root) = contexts::root(root) {
        root.turn(queue);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    root: u32,
    token: u32,
    headers: u32,
    body: usize,
    _trailers: u32,
) {
    if let Some(root) = contexts::root(root) {
        root.call_answered(token, headers, body);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _headers: u32, _ended: u32) -> u32 {
    contexts::stream(id).map_or_else(stream::stray, |stream| stream.request_headers()) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, _size: usize, _ended: u32) -> u32 {
    contexts::stream(id).map_or(DataGoes::NotYet, |stream| stream.request_body()) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _trailers: u32) -> u32 {
    contexts::stream(id).map_or(TrailersGo::NotYet, |stream| stream.request_trailers()) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _headers: u32, _ended: u32) -> u32 {
    contexts::stream(id).map_or(HeadersGo::On, |stream| stream.response_headers()) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(id: u32, _size: usize, _ended: u32) -> u32 {
    contexts::stream(id).map_or(DataGoes::On, |stream| stream.response_body()) as u32
}

/// Before the lines of Envoy's access logs are written, and before `proxy_on_delete`.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(id: u32) {
    if let Some(stream) = contexts::stream(id) {
        stream.log();
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    match contexts::remove(id) {
        Some(Context::Root(root)) => root.end(),
        Some(Context::Stream(stream)) => stream.end(),
        None => {}
    }
}
