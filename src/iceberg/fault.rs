//! Why a request target is not read; and how faults of what is read are written down.

/// An enum of faults: each with a stable name and a text.
macro_rules! faults {
    (
        $(#[$doc:meta])*
        pub enum $fault:ident;
        $( $(#[$variant_doc:meta])* $variant:ident = $name:literal, $text:literal; )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $fault {
            $( $(#[$variant_doc])* $variant, )*
        }

        impl $fault {
            /// Every fault, in the order of their declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// Its stable name: snake case, for counters and access logs.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// What is wrong, for the person in front of the engine. Holds nothing of what was read.
            pub const fn describe(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }
        }

        impl std::fmt::Display for $fault {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.describe())
            }
        }

        impl std::error::Error for $fault {}
    };
}

pub(crate) use faults;

faults! {
    /// Why a request target is refused. None of them depends on who calls.
    ///
    /// All but those of [`is_unknown`](Self::is_unknown) mean that two readers of the target could
    /// understand it differently, so that what the gate permits might not be what the catalog does.
    pub enum PathFault;

    /// Longer than [`limits::PATH_BYTES`](crate::limits::PATH_BYTES).
    TooLong = "path_too_long",
        "the path is too long";
    /// Not origin-form (RFC 9112 section 3.2.1): absolute-form, `*`, an authority, or nothing.
    NotOriginForm = "path_not_origin_form",
        "the request target must be a path that begins with '/'";
    /// Not below the base path of the layout that it was read with.
    OutsideBase = "path_outside_base",
        "the path is not below the catalog's base path";
    /// Two slashes in a row: some servers merge them, others see an empty name.
    EmptySegment = "path_empty_segment",
        "the path has an empty segment ('//')";
    /// A slash at the end: the same path to some servers, another one to others.
    TrailingSlash = "path_trailing_slash",
        "the path ends with '/'";
    /// `.` or `..`, also percent-encoded, once or several times.
    DotSegment = "path_dot_segment",
        "the path has a '.' or '..' segment, which servers resolve in different ways";
    /// `\` or `%5C`: a slash to some servers.
    Backslash = "path_backslash",
        "the path has a backslash, which some servers take for a slash";
    /// `%2F`: decoded before the path is split by some servers, after it by others.
    EncodedSlash = "path_encoded_slash",
        "the path has an encoded slash (%2F); names with '/' cannot be told from two segments";
    /// `;`, or `%3B` in a prefix: servers cut path parameters off.
    MatrixParameter = "path_matrix_parameter",
        "the path has a ';', which servers take for the begin of path parameters; in a name, write %3B";
    /// `#`: what follows is dropped by some readers.
    Fragment = "path_fragment",
        "the request target has a '#'";
    /// A control character, raw or encoded, that is not a namespace separator in its place.
    ControlCharacter = "path_control_character",
        "the path or the query has a control character in a place where no namespace separator may stand";
    /// A raw character that RFC 3986 wants encoded (space, `|`, `"`, `<`, ...).
    IllegalCharacter = "path_illegal_character",
        "the path or the query has a character that must be percent-encoded";
    /// A raw byte of 0x80 or more: each server guesses another character set.
    NotAscii = "path_not_ascii",
        "the path or the query has bytes outside of ASCII; they must be percent-encoded as UTF-8";
    /// `%` without two hex digits.
    BadPercentEncoding = "path_bad_percent_encoding",
        "the path or the query has a '%' that is not followed by two hex digits; a '%' in a name is written %25";
    /// Encoded bytes that are not UTF-8, over-long forms and surrogates included.
    NotUtf8 = "path_not_utf8",
        "the path or the query has percent-encoded bytes that are not UTF-8";
    /// A name that would decode again, in a place where some version of the catalog decodes twice.
    DoubleEncoding = "path_double_encoding",
        "the path or the query has a name that is percent-encoded twice (%25 before two hex digits)";
    /// A word of the route percent-encoded or in another case: some servers match it all the same.
    RouteWordSpelling = "path_route_word_spelling",
        "the path spells a word of the route in capital letters or percent-encoded";
    /// More than [`SEGMENTS`](super::SEGMENTS) segments.
    TooManySegments = "path_too_many_segments",
        "the path has too many segments";
    /// A namespace with a level that has no name.
    EmptyLevel = "path_empty_level",
        "the path or the query names a namespace with an empty level";
    /// A namespace with both `%1F` and the catalog's own separator: servers split at one or at both.
    MixedSeparators = "path_mixed_separators",
        "the path or the query names a namespace with %1F and with the catalog's own separator; use one of them";
    /// `+` in the prefix of a catalog that may or may not take it for a space.
    PlusInPrefix = "path_plus_in_prefix",
        "the path has a '+' in its prefix, which may mean a space; write %20 or %2B";
    /// The path is an operation both with and without a prefix.
    AmbiguousPrefix = "path_ambiguous_prefix",
        "the path can be read with a prefix and without one";
    /// Nessie's `{base}/{reference}/v1/...`, a second spelling of the same tree.
    ReferenceForm = "path_reference_form",
        "Nessie's {reference}/v1/... form is not served; use the catalog's base path and the prefix that /v1/config gives";
    /// A token in the query ends up in every access log.
    TokenInQuery = "path_token_in_query",
        "the query has an access_token; send the token in the Authorization header";
    /// A parameter that matters stands twice in the query: servers take the first or the last.
    QueryDuplicate = "path_query_duplicate",
        "the query has a parameter twice";
    /// The name of a parameter that matters in another case, with `_` for `-`, or percent-encoded: the
    /// same parameter to some servers (Nessie's ignores case), another one to others.
    QuerySpelling = "path_query_spelling",
        "the query spells the name of a parameter in capital letters, with '_' or percent-encoded";
    /// `;` in a query that names something: some servers begin a new parameter there.
    QuerySemicolon = "path_query_semicolon",
        "the query has a ';', which some servers take for the end of a parameter; write %3B";
    /// `+` in the `warehouse` of a catalog that may or may not take it for a space.
    QueryPlus = "path_query_plus",
        "the query has a '+' in its warehouse, which may mean a space; write %20 or %2B";
    /// A name in the query that no path could carry: `.`, `..`, or with a slash or a backslash.
    QueryName = "path_query_name",
        "the query has a name with '/' or '\\', or a name that is '.' or '..'";
    /// `referenced-by` that is not `namespace separator view`, several of them with commas between.
    QueryReferencedBy = "path_query_referenced_by",
        "the query's referenced-by is not a list of views, each a namespace, the separator and a name";
    /// `target-name` without the `namespace` that it stands in.
    QueryTarget = "path_query_target",
        "the query has a target-name without a namespace";
    /// Not an operation of the Iceberg REST spec, nor of this kind of catalog.
    UnknownOperation = "unknown_operation",
        "no operation of the Iceberg REST catalog API has this path";
    /// A path of the API with a method that it does not have.
    WrongMethod = "wrong_method",
        "the Iceberg REST catalog API has this path, but not with this method";
}

impl PathFault {
    /// Whether the path was read, and there is just nothing of that name: an HTTP 404. All other
    /// faults are an HTTP 400.
    pub const fn is_unknown(self) -> bool {
        matches!(
            self,
            Self::UnknownOperation | Self::WrongMethod | Self::ReferenceForm
        )
    }
}
