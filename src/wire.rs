//! HTTP as it lies on the wire: header blocks, heads of requests, replies. Bytes throughout, because
//! a client may send any, and text is only what was checked to be text.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::secret::Secret;

/// Headers that are always taken off a request before the catalog sees it, beside those of
/// [`STRIPPED_PREFIXES`]: other carriers of credentials or identity than `Authorization`, and headers
/// by which a client could steer a server behind the gate. Compared in lower case with `_` read as
/// `-`, since some servers do.
pub const STRIPPED_NAMES: &[&[u8]] = &[
    b"cookie",
    b"dpop",
    b"forwarded",
    b"polaris-realm",
    b"proxy-authorization",
    b"remote-user",
    b"x-access-token",
    b"x-api-key",
    b"x-assume-role",
    b"x-auth-token",
    b"x-break-glass",
    b"x-client-cert",
    b"x-http-method",
    b"x-http-method-override",
    b"x-id-token",
    b"x-method-override",
    b"x-original-host",
    b"x-original-method",
    b"x-original-uri",
    b"x-original-url",
    b"x-project-id",
    b"x-project-ident",
    b"x-real-ip",
    b"x-remote-user",
    b"x-rewrite-url",
    b"x-user",
    b"x-webauth-user",
];

/// The first letters of all names that are stripped.
const STRIPPED_INITIALS: &[u8] = b"cdfnprx";

/// The one header of [`STRIPPED_PREFIXES`] that stays: Envoy finds no route for a request without it, and
/// writes it itself where `use_remote_address` is set.
pub const KEPT_NAME: &[u8] = b"x-forwarded-proto";

/// Prefixes of header names that are always taken off, [`KEPT_NAME`] excepted. `X-Forwarded-*` that an operator wants the
/// catalog to see is set on Envoy's route, which happens behind the filter.
pub const STRIPPED_PREFIXES: &[&[u8]] = &[
    // By these a client of Nessie names somebody else as the author of its commits.
    b"nessie-commit-author",
    b"nessie-commit-signed",
    b"x-amzn-oidc-",
    b"x-auth-request-",
    b"x-envoy-",
    b"x-forwarded-",
    b"x-goog-authenticated-user-",
    b"x-goog-iap-",
    b"x-ms-client-principal",
    b"x-ssl-client-",
];

/// A block of headers as one buffer, in the form in which the proxy-wasm ABI 0.2.1 hands over maps:
/// a count, the lengths of all names and values (each 32 bits, little endian), then the names and
/// values, each followed by a zero byte.
#[derive(Clone, Copy)]
pub struct HeaderBlock<'a> {
    count: usize,
    lengths: &'a [u8],
    data: &'a [u8],
}

impl<'a> HeaderBlock<'a> {
    /// Looks at the frame of a block. `None` when it is cut off.
    pub fn new(block: &'a [u8]) -> Option<Self> {
        let (count, rest) = block.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (lengths, data) = rest.split_at_checked(count.checked_mul(8)?)?;
        Some(Self {
            count,
            lengths,
            data,
        })
    }

    /// Number of headers.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no header at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Names and values in order. Ends early where the block is cut off.
    pub fn iter(&self) -> Headers<'a> {
        Headers {
            lengths: self.lengths,
            data: self.data,
        }
    }
}

/// Headers as one block, in the form that [`HeaderBlock`] reads.
pub fn header_block<'h>(headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone) -> Vec<u8> {
    let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes();
    let mut block = number(headers.clone().count()).to_vec();
    for (name, value) in headers.clone() {
        block.extend(number(name.len()));
        block.extend(number(value.len()));
    }
    for (name, value) in headers {
        block.extend([name, b"\0", value, b"\0"].concat());
    }
    block
}

impl fmt::Debug for HeaderBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderBlock({} headers)", self.count)
    }
}

/// Iterator over a [`HeaderBlock`].
#[derive(Clone)]
pub struct Headers<'a> {
    lengths: &'a [u8],
    data: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_length, rest) = self.lengths.split_first_chunk::<4>()?;
        let (value_length, rest) = rest.split_first_chunk::<4>()?;
        self.lengths = rest;
        let name = self.take(u32::from_le_bytes(*name_length))?;
        let value = self.take(u32::from_le_bytes(*value_length))?;
        Some((name, value))
    }
}

impl<'a> Headers<'a> {
    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (part, rest) = self.data.split_at_checked(usize::try_from(length).ok()?)?;
        let (_zero, rest) = rest.split_first()?;
        self.data = rest;
        Some(part)
    }
}

/// The `Authorization` of a request, before it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// There is none.
    Missing,
    /// Exactly one header. Envoy joins repeated ones with a comma, so it may still hold several.
    One(&'a [u8]),
    /// The block has the header more than once.
    Several,
}

impl fmt::Debug for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::One(_) => "One([secret])",
            Self::Several => "Several",
        })
    }
}

/// What the gate reads of a request's headers, in one pass, without copying.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// `:method`; empty when missing.
    pub method: &'a [u8],
    /// `:path` with its query, as it came; empty when missing.
    pub path: &'a [u8],
    /// `authorization`.
    pub authorization: Authorization<'a>,
    /// `x-request-id`, which Envoy sets: the reference that finds the log line.
    pub request_id: Option<&'a [u8]>,
    /// `X-Iceberg-Access-Delegation` and its like, each line as it came.
    pub delegation: Vec<&'a [u8]>,
    /// `content-encoding`, other than `identity`.
    pub encoded: bool,
    /// `content-type`.
    pub content_type: Option<&'a [u8]>,
    /// `content-length`, where there is one that can be read.
    pub content_length: Option<usize>,
    /// The address that the request comes from, as Envoy has it. The host reads it where [`asks_for_token`](Self::asks_for_token).
    pub source: Option<&'a [u8]>,
    /// What the client's certificate names: the first URI of its subject alternative names, else the first DNS name. The host
    /// reads it where a rule depends on it.
    pub peer: Option<&'a [u8]>,
    /// `traceparent` (W3C Trace Context).
    pub traceparent: Option<&'a [u8]>,
    /// The request wants another protocol (`upgrade`, `:protocol`), which would leave the gate blind.
    pub upgrade: bool,
    /// Names of headers that must not reach the catalog, as they came.
    pub stripped: Vec<&'a [u8]>,
}

impl<'a> RequestHead<'a> {
    /// Reads a head from its headers. Nothing is refused here: that is the broker's to do.
    pub fn read(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut head = Self {
            method: b"",
            path: b"",
            authorization: Authorization::Missing,
            request_id: None,
            delegation: Vec::new(),
            encoded: false,
            content_type: None,
            content_length: None,
            source: None,
            peer: None,
            traceparent: None,
            upgrade: false,
            stripped: Vec::new(),
        };
        for (name, value) in headers {
            match name {
                b":method" => head.method = value,
                b":path" => head.path = value,
                b"authorization" => {
                    head.authorization = match head.authorization {
                        Authorization::Missing => Authorization::One(value),
                        Authorization::One(_) | Authorization::Several => Authorization::Several,
                    }
                }
                b"x-request-id" => head.request_id = Some(value),
                b"x-iceberg-access-delegation" | b"polaris-generic-table-access-delegation" => {
                    head.delegation.push(value);
                }
                b"content-encoding" => head.encoded |= !value.eq_ignore_ascii_case(b"identity"),
                b"content-type" => head.content_type = Some(value),
                b"content-length" => {
                    head.content_length = std::str::from_utf8(value)
                        .ok()
                        .and_then(|length| length.parse().ok());
                }
                b"traceparent" => head.traceparent = Some(value),
                b":protocol" | b"upgrade" => head.upgrade = true,
                _ if is_stripped(name) => head.stripped.push(name),
                _ => {}
            }
        }
        head
    }

    /// Whether it may be for a token endpoint: a word of the path, looked for without parsing it.
    pub fn asks_for_token(&self) -> bool {
        self.method == b"POST" && self.path.windows(7).any(|part| part == b"/oauth/")
    }
}

/// Whether a header of this name never reaches the catalog.
pub fn is_stripped(name: &[u8]) -> bool {
    let same = |ours: &[u8], theirs: &[u8]| {
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| *a == folded(*b))
    };
    // Most names of an ordinary request fail on their first byte.
    if !name
        .first()
        .is_some_and(|first| STRIPPED_INITIALS.contains(&folded(*first)))
        || name == KEPT_NAME
    {
        return false;
    }
    STRIPPED_PREFIXES.iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| same(prefix, start))
    }) || STRIPPED_NAMES.iter().any(|ours| same(ours, name))
}

fn folded(byte: u8) -> u8 {
    if byte == b'_' {
        b'-'
    } else {
        byte.to_ascii_lowercase()
    }
}

/// An answer that the gate gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside `content-length`, which the host sets.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for HEAD.
    pub body: Vec<u8>,
    /// The refusal's name, for the response code details of the access log.
    pub details: &'static str,
}

/// A call to a server that the configuration names, through an Envoy cluster.
#[derive(Debug)]
pub struct HttpCall {
    /// The Envoy cluster.
    pub cluster: Rc<str>,
    /// `:scheme`.
    pub scheme: &'static str,
    /// `:authority`.
    pub authority: Rc<str>,
    /// `:method`.
    pub method: &'static str,
    /// `:path`.
    pub path: Rc<str>,
    /// Further headers.
    pub headers: Vec<(&'static str, Secret<String>)>,
    /// Body; empty for GET.
    pub body: Secret<Vec<u8>>,
    /// Bound on the whole call.
    pub timeout: Duration,
    /// Longest answer body that is worth reading, in bytes.
    pub answer_limit: usize,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub enum CallAnswer<'a> {
    /// The host refused to send it: no such cluster, no healthy endpoint, a circuit breaker.
    NotSent,
    /// It was sent, and reset or timed out after the answer's headers, or the answer was larger than
    /// the host takes: there are no headers to read.
    Broken,
    /// The answer's body is longer than [`HttpCall::answer_limit`].
    TooLarge,
    /// An answer, which may be one that Envoy wrote itself (503 and 504 in plain text).
    Answered {
        /// HTTP status; 0 when it could not be read.
        status: u16,
        /// `retry-after` as it came.
        retry_after: Option<&'a [u8]>,
        /// The body.
        body: &'a [u8],
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
        header_block(headers.iter().copied())
    }

    #[test]
    fn a_block_has_the_layout_of_the_abi() {
        let expected = b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0a\0bc\0de\0\0";
        assert_eq!(block(&[(b"a", b"bc"), (b"de", b"")]), expected);
    }

    #[test]
    fn a_block_reads_back() {
        let headers: [(&[u8], &[u8]); 3] = [(b":path", b"/a\0b"), (b"x", b""), (b"y", b"\xff")];
        let bytes = block(&headers);
        let read: Vec<_> = HeaderBlock::new(&bytes).unwrap().iter().collect();
        assert_eq!(read, headers);
    }

    #[test]
    fn every_cut_of_a_block_ends_early_and_nothing_panics() {
        let bytes = block(&[(b":path", b"/a"), (b"authorization", b"Bearer x")]);
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let seen = HeaderBlock::new(cut).map_or(0, |block| block.iter().count());
            assert!(seen < 2, "cut at {length}");
        }
        assert!(HeaderBlock::new(&[0xff; 64]).is_none());
    }

    #[test]
    fn a_head_is_read_in_one_pass() {
        let headers: [(&[u8], &[u8]); 9] = [
            (b":method", b"GET"),
            (b":path", b"/iceberg/v1/config"),
            (b"authorization", b"Bearer a"),
            (b"x-request-id", b"r-1"),
            (b"x-forwarded-for", b"10.0.0.1"),
            (b"X_Forwarded_Host", b"evil"),
            (b"polaris-realm", b"other"),
            (b"traceparent", b"00-1"),
            (b"x-envoy-upstream-rq-timeout-ms", b"1"),
        ];
        let head = RequestHead::read(headers.into_iter());
        assert_eq!(head.authorization, Authorization::One(b"Bearer a"));
        assert_eq!(head.request_id, Some(b"r-1".as_slice()));
        assert!(!head.upgrade);
        assert_eq!(
            head.stripped,
            [
                b"x-forwarded-for".as_slice(),
                b"X_Forwarded_Host",
                b"polaris-realm",
                b"x-envoy-upstream-rq-timeout-ms"
            ]
        );
    }

    #[test]
    fn two_authorization_headers_are_several() {
        let headers: [(&[u8], &[u8]); 2] = [
            (b"authorization", b"Bearer a"),
            (b"authorization", b"Bearer b"),
        ];
        assert_eq!(
            RequestHead::read(headers.into_iter()).authorization,
            Authorization::Several
        );
    }

    #[test]
    fn everything_on_the_lists_is_stripped() {
        for name in STRIPPED_NAMES {
            let text = String::from_utf8(name.to_vec()).unwrap();
            for spelling in [text.clone(), text.to_uppercase(), text.replace('-', "_")] {
                assert!(is_stripped(spelling.as_bytes()), "{spelling}");
            }
        }
        for prefix in STRIPPED_PREFIXES {
            assert!(is_stripped(&[prefix, b"any".as_slice()].concat()));
        }
    }

    #[test]
    fn what_clients_of_iceberg_send_is_not_stripped() {
        for name in [
            "x-iceberg-access-delegation",
            "idempotency-key",
            "if-none-match",
            "x-client-version",
            "x-client-git-commit-short",
            "x-request-id",
            "x-forwarded-proto",
            "nessie-commit-message",
            "user-agent",
            "content-type",
            "accept",
        ] {
            assert!(!is_stripped(name.as_bytes()), "{name}");
        }
    }
}
