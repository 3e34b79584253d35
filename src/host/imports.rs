//! What the gate asks of the host, without pointers: headers are bytes, every status is a number, and a
//! failure is a value.
#![allow(
    unsafe_code,
    reason = "the host's functions are foreign; every pointer is made from a live slice"
)]

use std::time::Duration;

use super::abi::*;
use crate::broker::Issued;
use crate::wire::{HttpCall, Reply, header_block};

/// `proxy_map_type_t` of the ABI.
#[derive(Clone, Copy)]
pub(super) enum Map {
    Request = 0,
    RequestTrailers = 1,
    Response = 2,
    CallResponse = 6,
}

/// `proxy_buffer_type_t` of the ABI.
#[derive(Clone, Copy)]
enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    CallResponseBody = 4,
    Configuration = 7,
}

const STATUS_OK: u32 = 0;
const STREAM_REQUEST: u32 = 0;
/// Not a gRPC reply.
const NO_GRPC_STATUS: i32 = -1;
/// A block of no headers.
const NO_TRAILERS: &[u8] = &[0; 4];

/// Takes over a buffer that the host had allocated in this module's memory.
fn taken(status: u32, data: *mut u8, size: usize) -> Option<Vec<u8>> {
    if status != STATUS_OK {
        return None;
    }
    if data.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: the host asked `proxy_on_memory_allocate` for exactly `size` bytes of this allocator, filled
    // them, and gave them away.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// All headers as one block for [`crate::wire::HeaderBlock`].
pub(super) fn headers(map: Map) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: both pointers are to live locals.
    let status = unsafe { proxy_get_header_map_pairs(map as u32, &raw mut data, &raw mut size) };
    taken(status, data, size)
}

/// One header's bytes. Asking for a header of a call that has none is an error at the host, not a panic.
pub(super) fn header(map: Map, name: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: pointers and lengths are of live slices and locals.
    let status = unsafe {
        proxy_get_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            &raw mut data,
            &raw mut size,
        )
    };
    taken(status, data, size)
}

/// Sets a header, in place of every value that it had. Whether the host did it.
pub(super) fn set_header(map: Map, name: &str, value: &[u8]) -> bool {
    // SAFETY: pointers and lengths are of live slices.
    let status = unsafe {
        proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
    status == STATUS_OK
}

/// Removes a header. Whether the host did it.
pub(super) fn remove(map: Map, name: &[u8]) -> bool {
    // SAFETY: pointer and length are of a live slice.
    let status = unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) };
    status == STATUS_OK
}

/// The first `size` bytes of a buffer, or what it has.
fn buffer(buffer: Buffer, size: usize) -> Option<Vec<u8>> {
    let (mut data, mut got) = (std::ptr::null_mut(), 0);
    // SAFETY: both pointers are to live locals.
    let status =
        unsafe { proxy_get_buffer_bytes(buffer as u32, 0, size, &raw mut data, &raw mut got) };
    taken(status, data, got)
}

/// The piece of the request's body that a body callback is about.
pub(super) fn request_body(size: usize) -> Option<Vec<u8>> {
    buffer(Buffer::RequestBody, size)
}

/// The piece of the response's body that a body callback is about.
pub(super) fn response_body(size: usize) -> Option<Vec<u8>> {
    buffer(Buffer::ResponseBody, size)
}

/// Puts other bytes in the place of the piece of the request's body. Whether the host did it.
pub(super) fn set_request_body(bytes: &[u8]) -> bool {
    set_buffer(Buffer::RequestBody, bytes)
}

/// Puts other bytes in the place of the piece of the response's body; `content-length` stays as it was, and
/// a wrong one lets the client wait or reads as cut off. Whether the host did it.
pub(super) fn set_response_body(bytes: &[u8]) -> bool {
    set_buffer(Buffer::ResponseBody, bytes)
}

fn set_buffer(buffer: Buffer, bytes: &[u8]) -> bool {
    // What is there, however long.
    let all = usize::MAX;
    // SAFETY: pointer and length are of a live slice.
    let status =
        unsafe { proxy_set_buffer_bytes(buffer as u32, 0, all, bytes.as_ptr(), bytes.len()) };
    status == STATUS_OK
}

/// Sets Envoy's filter state `wasm.{key}` for the effective stream, for access logs and RBAC. Also when
/// the request is logged. Whether the host did it.
pub(super) fn set_filter_state(key: &str, value: &[u8]) -> bool {
    // SAFETY: pointers and lengths are of live slices.
    let status =
        unsafe { proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
    status == STATUS_OK
}

/// What the certificate of the effective stream's connection names: the first URI of its subject alternative names, else
/// the first DNS name. Envoy has none where it asked for no certificate, or was given none.
pub(super) fn peer() -> Option<Vec<u8>> {
    let uri = || property("connection\0uri_san_peer_certificate");
    let dns = || property("connection\0dns_san_peer_certificate");
    uri().or_else(dns)
}

/// The address that the effective stream comes from.
pub(super) fn source() -> Option<Vec<u8>> {
    property("source\0address")
}

/// An attribute of Envoy's that is a text, by the members of its path with zeros between them. An empty one is as good as
/// none.
fn property(path: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: pointer and length are of a live slice, the other pointers are to live locals.
    let status =
        unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
    taken(status, data, size).filter(|value| !value.is_empty())
}

/// The configuration of the filter that is being configured.
pub(super) fn configuration(size: usize) -> Option<Vec<u8>> {
    buffer(Buffer::Configuration, size)
}

/// The body of the call's answer that is being delivered.
pub(super) fn call_response_body(size: usize) -> Option<Vec<u8>> {
    buffer(Buffer::CallResponseBody, size)
}

/// Sends a call. Envoy answers it on the root context, by the number that is returned, whatever context is
/// the effective one; so it outlives the stream that asked for it. `None`: the host refused it.
pub(super) fn call(call: &HttpCall) -> Option<u32> {
    let pseudo: [(&str, &str); 4] = [
        (":method", call.method),
        (":scheme", call.scheme),
        (":authority", &call.authority),
        (":path", &call.path),
    ];
    let more = call.headers.iter();
    let headers = more.map(|(name, value)| (*name, value.expose().as_str()));
    let headers = block(pseudo.into_iter().chain(headers));
    let body = call.body.expose();
    let timeout = u32::try_from(call.timeout.as_millis()).unwrap_or(u32::MAX);
    let mut token = 0;
    // SAFETY: pointers and lengths are of live slices, the last pointer is to a live local.
    let status = unsafe {
        proxy_http_call(
            call.cluster.as_ptr(),
            call.cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            NO_TRAILERS.as_ptr(),
            NO_TRAILERS.len(),
            timeout,
            &raw mut token,
        )
    };
    (status == STATUS_OK).then_some(token)
}

/// Headers as the host takes them.
fn block<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>) -> Vec<u8> {
    let headers: Vec<(&[u8], &[u8])> = headers
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    header_block(headers.into_iter())
}

/// Lets the effective stream's request go on.
pub(super) fn continue_request() {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_continue_stream(STREAM_REQUEST) };
}

/// Answers the effective stream's request.
pub(super) fn send_reply(reply: &Reply) {
    answer(reply, &reply.body);
}

/// Gives a token to the effective stream's client.
pub(super) fn send_token(issued: &Issued) {
    answer(&issued.head(), issued.body().expose());
}

fn answer(reply: &Reply, body: &[u8]) {
    let headers = reply.headers.iter();
    let headers = block(headers.map(|(name, value)| (*name, value.as_str())));
    // SAFETY: pointers and lengths are of live slices.
    let _ = unsafe {
        proxy_send_local_response(
            u32::from(reply.status),
            reply.details.as_ptr(),
            reply.details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    };
}

/// Makes a stream (or root) the one that the next calls are about. `false`: it is gone.
pub(super) fn set_effective_context(context: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_set_effective_context(context) == STATUS_OK }
}

/// A queue whose notes wake the context that registered it, one turn of the event loop later.
pub(super) fn register_queue(name: &str) -> Option<u32> {
    let mut queue = 0;
    // SAFETY: pointer and length are of a live slice, the other pointer is to a live local.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) };
    (status == STATUS_OK).then_some(queue)
}

/// Puts an empty note on a queue. Whether the host did it.
pub(super) fn enqueue(queue: u32) -> bool {
    const NOTE: &[u8] = b"turn";
    // SAFETY: pointer and length are of a live slice.
    unsafe { proxy_enqueue_shared_queue(queue, NOTE.as_ptr(), NOTE.len()) == STATUS_OK }
}

/// Takes every note off a queue.
pub(super) fn empty_queue(queue: u32) {
    loop {
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: both pointers are to live locals.
        let status = unsafe { proxy_dequeue_shared_queue(queue, &raw mut data, &raw mut size) };
        if taken(status, data, size).is_none() {
            return;
        }
    }
}

/// Writes a line; `level` as in the ABI (0 trace .. 5 critical).
pub(super) fn log(level: u32, text: &str) {
    // SAFETY: pointer and length are of a live slice.
    let _ = unsafe { proxy_log(level, text.as_ptr(), text.len()) };
}

/// The level of Envoy's logger for wasm.
pub(super) fn log_level() -> Option<u32> {
    let mut level = 0;
    // SAFETY: the pointer is to a live local.
    (unsafe { proxy_get_log_level(&raw mut level) } == STATUS_OK).then_some(level)
}

/// Has the effective root woken again and again. Whether the host does it.
pub(super) fn set_tick_period(period: Duration) -> bool {
    let milliseconds = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    // SAFETY: no pointers.
    unsafe { proxy_set_tick_period_milliseconds(milliseconds) == STATUS_OK }
}

/// Nanoseconds since 1970 on Envoy's wall clock.
pub(super) fn unix_nanoseconds() -> Option<u64> {
    let mut time = 0;
    // SAFETY: the pointer is to a live local.
    let status = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    (status == STATUS_OK).then_some(time)
}

/// Defines a metric; `kind` as in the ABI (0 counter, 1 gauge, 2 histogram).
pub(super) fn define_metric(kind: u32, name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: pointers and length are of a live slice and local.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    (status == STATUS_OK).then_some(id)
}

/// Adds to a counter or gauge.
pub(super) fn increment_metric(id: u32, by: i64) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_increment_metric(id, by) };
}

/// Records a value of a histogram.
pub(super) fn record_metric(id: u32, value: u64) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_record_metric(id, value) };
}
