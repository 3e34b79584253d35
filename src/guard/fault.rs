//! Why an answer of the catalog cannot be guarded.

use crate::iceberg::faults;
use crate::json::{JsonFault, JsonFaultKind};

faults! {
    /// Why an answer of the catalog cannot be guarded, and so is not handed on. What it says continues "the gate did not
    /// hand on ...".
    pub enum AnswerFault;

    /// A `content-encoding` other than `identity`, although the gate asked for none.
    Encoded = "answer_encoded",
        "the catalog's answer, which is compressed although the gate asked for it uncompressed";
    /// Longer than [`limits::GUARDED_ANSWER_BYTES`](crate::limits::GUARDED_ANSWER_BYTES).
    TooLarge = "answer_too_large",
        "the catalog's answer, which is longer than the gate reads";
    /// A redirect: whoever follows it takes a token past the gate. No operation of the Iceberg REST spec has one.
    Redirect = "answer_redirect",
        "the catalog's answer, which sends clients elsewhere";
    /// It ends in the middle: the catalog or the connection broke off.
    CutOff = "answer_cut_off",
        "the catalog's answer, which ends too early";
    /// Not JSON, or not in UTF-8.
    NotJson = "answer_not_json",
        "the catalog's answer, which is not JSON";
    /// A member stands twice in an object that the gate reads: clients take the first or the last.
    DuplicateMember = "answer_duplicate_member",
        "the catalog's answer, which has the same member twice";
    /// A member has another type than the spec gives it.
    Shape = "answer_shape",
        "the catalog's answer, which has not the form that the Iceberg REST specification gives it";
    /// `prefix` of `/v1/config` would lead clients out of the catalog: dot segments, a query, what no path may have.
    Prefix = "answer_prefix",
        "the catalog's configuration, whose prefix cannot stand in a path";
}

impl From<JsonFault> for AnswerFault {
    fn from(fault: JsonFault) -> Self {
        match fault.kind() {
            JsonFaultKind::Incomplete => Self::CutOff,
            JsonFaultKind::DuplicateMember => Self::DuplicateMember,
            JsonFaultKind::NotAnObject => Self::Shape,
            JsonFaultKind::NotUtf8
            | JsonFaultKind::Malformed
            | JsonFaultKind::NumberOutOfRange
            | JsonFaultKind::TooDeep => Self::NotJson,
        }
    }
}
