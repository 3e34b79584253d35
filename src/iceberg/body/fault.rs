//! Why a body is not read.

use super::super::fault::faults;

faults! {
    /// Why a body is refused where a rule depends on what it names: two readers could understand it
    /// differently, or it lacks what it must have.
    pub enum BodyFault;

    /// A byte sequence that is not UTF-8.
    NotUtf8 = "body_not_utf8",
        "the body is not UTF-8";
    /// It breaks JSON's grammar, ends too early, or has something behind the value.
    NotJson = "body_not_json",
        "the body is not one JSON value";
    /// A value of another type than the spec has in that place.
    WrongType = "body_wrong_type",
        "the body has a value of another type than the Iceberg REST spec has in that place";
    /// A member that is read stands twice in one object: servers take the first or the last.
    DuplicateMember = "body_duplicate_member",
        "the body has the same member twice in one object";
    /// The name of a member that is read in another case, or with `_` for `-`: the same member to some
    /// servers, an unknown one to others.
    MemberSpelling = "body_member_spelling",
        "the body spells a member's name with other capital letters or hyphens than the Iceberg REST spec";
    /// A name, or what is needed to find the names, is missing.
    MissingMember = "body_missing_member",
        "the body lacks a member that the Iceberg REST spec requires";
    /// An update of another kind than those of the spec: the catalog may know it, and what it names.
    UnknownAction = "body_unknown_action",
        "the body has an update with an unknown action";
    /// A policy's target that is none, or has another path than its type needs.
    UnknownTarget = "body_unknown_target",
        "the body has a policy target of an unknown type, or with a path that does not fit its type";
    /// A namespace without levels, where one must be named.
    EmptyNamespace = "body_empty_namespace",
        "the body names a namespace without levels";
    /// A name that no path could carry: empty, `.` or `..`, or with a slash, backslash or control character.
    BadName = "body_bad_name",
        "the body has a name that is empty, '.' or '..', or has '/', '\\' or a control character";
    /// More than [`limits::BODY_PLACES`](crate::limits::BODY_PLACES).
    TooManyPlaces = "body_too_many_places",
        "the body has too many names and locations";
}
