//! Every operation, and the place where it stands: one table from which the matching, the names,
//! the tests and the documentation come.

use super::layout::Kind;

/// A request method. Iceberg needs no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// Any other: no operation has it.
    Other,
}

impl Method {
    /// The method of these bytes. Methods are case-sensitive (RFC 9110 section 9.1).
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match bytes {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }

    /// The method as it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Other => "other",
        }
    }

    /// Whether the method only reads (RFC 9110 section 9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// What an operation does to the catalog, as grants speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Asks how to speak with a warehouse.
    Config,
    /// Looks at namespaces, tables, views and plans of scans. Reports of a scan's metrics and the
    /// planning of scans belong here although they are `POST`: whoever reads sends them.
    Read,
    /// Makes, removes, renames, or changes properties.
    Write,
    /// Changes the contents of tables and views; an unclear end is an unknown state of the table.
    Commit,
    /// Sets rules over other people's objects, or tells the catalog what happened elsewhere.
    Admin,
    /// Has a request to the object storage signed.
    Sign,
    /// Gets credentials for the object storage.
    Credentials,
    /// The OAuth token endpoint.
    Token,
}

impl Class {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Config,
        Self::Read,
        Self::Write,
        Self::Commit,
        Self::Admin,
        Self::Sign,
        Self::Credentials,
        Self::Token,
    ];

    /// Its word in the configuration; the token endpoint has none, it is nobody's to grant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Read => "read",
            Self::Write => "write",
            Self::Commit => "commit",
            Self::Admin => "admin",
            Self::Sign => "sign",
            Self::Credentials => "credentials",
            Self::Token => "token",
        }
    }
}

/// What kind of thing the object of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A table.
    Table,
    /// A view.
    View,
    /// A function.
    Function,
    /// Polaris: a table of another format.
    GenericTable,
    /// Polaris: a policy.
    Policy,
    /// Polaris: a semantic model.
    SemanticModel,
}

/// One segment of an operation's path below the base path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A word, exactly.
    Word(&'static str),
    /// The prefix.
    Prefix,
    /// The namespace, all levels in one segment.
    Namespace,
    /// The name of a table, view, ...
    Object(Noun),
    /// Something opaque that the catalog gave out: the id of a plan, the parameters of a signature.
    Extra,
}

/// A place where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The catalogs that have it.
    pub kinds: &'static [Kind],
    /// The method.
    pub method: Method,
    /// The segments below the base path. [`Part::Prefix`] may be missing in a path for
    /// [`Kind::Iceberg`].
    pub parts: &'static [Part],
    /// The operation.
    pub operation: Operation,
}

impl Place {
    /// The path as the spec writes it: `/v1/{prefix}/namespaces/{namespace}`.
    pub fn pattern(&self) -> String {
        let mut pattern = String::new();
        for part in self.parts {
            pattern.push('/');
            pattern.push_str(match part {
                Part::Word(word) => word,
                Part::Prefix => "{prefix}",
                Part::Namespace => "{namespace}",
                Part::Object(Noun::Table) => "{table}",
                Part::Object(Noun::View) => "{view}",
                Part::Object(Noun::Function) => "{function}",
                Part::Object(Noun::GenericTable) => "{generic-table}",
                Part::Object(Noun::Policy) => "{policy-name}",
                Part::Object(Noun::SemanticModel) => "{semantic-model-name}",
                Part::Extra => "{id}",
            });
        }
        pattern
    }
}

/// A row: operation, its name, what it does, its method, and `kinds: path` wherever it stands.
macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $operation:ident $name:literal $class:ident $method:ident {
            $( $kinds:ident: [ $( $part:expr ),* ] );+
        }
    )*) => {
        /// What a request does, in the words of the spec: the variant is the `operationId`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $( $(#[$doc])* $operation, )*
        }

        impl Operation {
            /// Every operation, in the order of their declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$operation, )* ];

            /// Every place of every operation.
            pub const PLACES: &'static [Place] = &[ $( $(
                Place {
                    kinds: $kinds,
                    method: Method::$method,
                    parts: &[ $( $part ),* ],
                    operation: Self::$operation,
                },
            )+ )* ];

            /// The `operationId` of the spec that has it.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$operation => $name, )* }
            }

            /// What it does to the catalog.
            pub const fn class(self) -> Class {
                match self { $( Self::$operation => Class::$class, )* }
            }

            /// Its method; the same in all places.
            pub const fn method(self) -> Method {
                match self { $( Self::$operation => Method::$method, )* }
            }
        }
    };
}

const SPEC: &[Kind] = &Kind::ALL;
const S3_SIGNER_SPEC: &[Kind] = &[Kind::Iceberg, Kind::Lakekeeper];
const NESSIE: &[Kind] = &[Kind::Nessie];
const POLARIS: &[Kind] = &[Kind::Polaris];
const LAKEKEEPER: &[Kind] = &[Kind::Lakekeeper];

const V1: Part = Part::Word("v1");
const PREFIX: Part = Part::Prefix;
const NAMESPACES: Part = Part::Word("namespaces");
const NAMESPACE: Part = Part::Namespace;
const TABLES: Part = Part::Word("tables");
const TABLE: Part = Part::Object(Noun::Table);
const VIEWS: Part = Part::Word("views");
const VIEW: Part = Part::Object(Noun::View);
const PLAN: Part = Part::Word("plan");
const RENAME: Part = Part::Word("rename");
const EXTRA: Part = Part::Extra;
const AWS: Part = Part::Word("aws");
const S3: Part = Part::Word("s3");
const SIGN: Part = Part::Word("sign");
const POLARIS_WORD: Part = Part::Word("polaris");
const GENERIC_TABLES: Part = Part::Word("generic-tables");
const GENERIC_TABLE: Part = Part::Object(Noun::GenericTable);
const POLICIES: Part = Part::Word("policies");
const POLICY: Part = Part::Object(Noun::Policy);
const MAPPINGS: Part = Part::Word("mappings");
const SEMANTIC_MODELS: Part = Part::Word("semantic-models");
const SEMANTIC_MODEL: Part = Part::Object(Noun::SemanticModel);

operations! {
    /// How to speak with a warehouse, named in the query: every client's first call.
    GetConfig "getConfig" Config Get { SPEC: [V1, Part::Word("config")] }
    /// The deprecated OAuth token endpoint.
    GetToken "getToken" Token Post { SPEC: [V1, Part::Word("oauth"), Part::Word("tokens")] }

    /// Namespaces below a parent, named in the query.
    ListNamespaces "listNamespaces" Read Get { SPEC: [V1, PREFIX, NAMESPACES] }
    /// Makes a namespace, named in the body.
    CreateNamespace "createNamespace" Write Post { SPEC: [V1, PREFIX, NAMESPACES] }
    /// A namespace's properties.
    LoadNamespaceMetadata "loadNamespaceMetadata" Read Get { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE] }
    /// Whether a namespace exists.
    NamespaceExists "namespaceExists" Read Head { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE] }
    /// Removes an empty namespace.
    DropNamespace "dropNamespace" Write Delete { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE] }
    /// Sets and removes properties of a namespace.
    UpdateProperties "updateProperties" Write Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, Part::Word("properties")]
    }

    /// Tables of a namespace.
    ListTables "listTables" Read Get { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES] }
    /// Makes a table, or stages one; named in the body.
    CreateTable "createTable" Write Post { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES] }
    /// Takes an existing table into the catalog; name and metadata location in the body.
    RegisterTable "registerTable" Write Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, Part::Word("register")]
    }
    /// A table's metadata, with credentials for its storage when the client asks for them.
    LoadTable "loadTable" Read Get { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE] }
    /// A commit to one table.
    UpdateTable "updateTable" Commit Post { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE] }
    /// Removes a table, with its files when the query says so.
    DropTable "dropTable" Write Delete { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE] }
    /// Whether a table exists.
    TableExists "tableExists" Read Head { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE] }
    /// Takes a table out of the catalog and leaves its files.
    UnregisterTable "unregisterTable" Write Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, Part::Word("unregister")]
    }
    /// Renames or moves a table; both names in the body.
    RenameTable "renameTable" Write Post { SPEC: [V1, PREFIX, TABLES, RENAME] }
    /// A commit to several tables, named in the body.
    CommitTransaction "commitTransaction" Commit Post {
        SPEC: [V1, PREFIX, Part::Word("transactions"), Part::Word("commit")]
    }
    /// What a scan or a commit cost, told by the client.
    ReportMetrics "reportMetrics" Read Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, Part::Word("metrics")]
    }
    /// Fresh credentials for a table's storage.
    LoadCredentials "loadCredentials" Credentials Get {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, Part::Word("credentials")]
    }
    /// Has a request to a table's storage signed.
    SignRequest "signRequest" Sign Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, SIGN]
    }
    /// The same before that place was made: the deprecated S3 signer spec, and where catalogs put it.
    /// The path does not name the table; Nessie's and Lakekeeper's last place name it in the opaque part.
    SignS3Request "signS3Request" Sign Post {
        S3_SIGNER_SPEC: [V1, AWS, S3, SIGN];
        LAKEKEEPER: [V1, PREFIX, V1, AWS, S3, SIGN];
        LAKEKEEPER: [V1, Part::Word("signer"), PREFIX, Part::Word("tabular-id"), EXTRA, V1, AWS, S3, SIGN];
        NESSIE: [V1, PREFIX, Part::Word("s3sign"), EXTRA];
        NESSIE: [V1, PREFIX, Part::Word("s3-sign"), EXTRA]
    }

    /// Has the catalog plan a scan.
    PlanTableScan "planTableScan" Read Post { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, PLAN] }
    /// The outcome of a plan.
    FetchPlanningResult "fetchPlanningResult" Read Get {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, PLAN, EXTRA]
    }
    /// Gives a plan up.
    CancelPlanning "cancelPlanning" Read Delete {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, PLAN, EXTRA]
    }
    /// The tasks of a plan, named in the body.
    FetchScanTasks "fetchScanTasks" Read Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, Part::Word("tasks")]
    }

    /// Views of a namespace.
    ListViews "listViews" Read Get { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS] }
    /// Makes a view, named in the body.
    CreateView "createView" Write Post { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS] }
    /// Takes an existing view into the catalog; name and metadata location in the body.
    RegisterView "registerView" Write Post {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, Part::Word("register-view")]
    }
    /// A view's metadata.
    LoadView "loadView" Read Get { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS, VIEW] }
    /// A commit to a view.
    ReplaceView "replaceView" Commit Post { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS, VIEW] }
    /// Removes a view.
    DropView "dropView" Write Delete { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS, VIEW] }
    /// Whether a view exists.
    ViewExists "viewExists" Read Head { SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, VIEWS, VIEW] }
    /// Renames or moves a view; both names in the body.
    RenameView "renameView" Write Post { SPEC: [V1, PREFIX, VIEWS, RENAME] }

    /// Functions of a namespace.
    ListFunctions "listFunctions" Read Get {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, Part::Word("functions")]
    }
    /// A function's metadata.
    LoadFunction "loadFunction" Read Get {
        SPEC: [V1, PREFIX, NAMESPACES, NAMESPACE, Part::Word("functions"), Part::Object(Noun::Function)]
    }

    /// Polaris: another catalog tells what became of a table.
    SendNotification "sendNotification" Admin Post {
        POLARIS: [V1, PREFIX, NAMESPACES, NAMESPACE, TABLES, TABLE, Part::Word("notifications")]
    }
    /// Polaris: tables of other formats in a namespace.
    ListGenericTables "listGenericTables" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, GENERIC_TABLES]
    }
    /// Polaris: makes a table of another format, named in the body.
    CreateGenericTable "createGenericTable" Write Post {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, GENERIC_TABLES]
    }
    /// Polaris: a table of another format.
    LoadGenericTable "loadGenericTable" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, GENERIC_TABLES, GENERIC_TABLE]
    }
    /// Polaris: removes a table of another format.
    DropGenericTable "dropGenericTable" Write Delete {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, GENERIC_TABLES, GENERIC_TABLE]
    }
    /// Polaris: policies of a namespace.
    ListPolicies "listPolicies" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES]
    }
    /// Polaris: makes a policy, named in the body.
    CreatePolicy "createPolicy" Admin Post {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES]
    }
    /// Polaris: a policy.
    LoadPolicy "loadPolicy" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES, POLICY]
    }
    /// Polaris: changes a policy.
    UpdatePolicy "updatePolicy" Admin Put {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES, POLICY]
    }
    /// Polaris: removes a policy.
    DropPolicy "dropPolicy" Admin Delete {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES, POLICY]
    }
    /// Polaris: lays a policy on a catalog, namespace or table, named in the body.
    AttachPolicy "attachPolicy" Admin Put {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES, POLICY, MAPPINGS]
    }
    /// Polaris: takes it away again.
    DetachPolicy "detachPolicy" Admin Post {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, POLICIES, POLICY, MAPPINGS]
    }
    /// Polaris: the policies that hold for what the query names.
    GetApplicablePolicies "getApplicablePolicies" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, Part::Word("applicable-policies")]
    }
    /// Polaris: semantic models of a namespace.
    ListSemanticModels "listSemanticModels" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, SEMANTIC_MODELS]
    }
    /// Polaris: makes a semantic model, named in the body.
    CreateSemanticModel "createSemanticModel" Write Post {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, SEMANTIC_MODELS]
    }
    /// Polaris: a semantic model.
    LoadSemanticModel "loadSemanticModel" Read Get {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, SEMANTIC_MODELS, SEMANTIC_MODEL]
    }
    /// Polaris: changes a semantic model.
    UpdateSemanticModel "updateSemanticModel" Write Put {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, SEMANTIC_MODELS, SEMANTIC_MODEL]
    }
    /// Polaris: removes a semantic model.
    DropSemanticModel "dropSemanticModel" Write Delete {
        POLARIS: [POLARIS_WORD, V1, PREFIX, NAMESPACES, NAMESPACE, SEMANTIC_MODELS, SEMANTIC_MODEL]
    }
}

impl Operation {
    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.name() == name)
    }

    /// Whether it only reads, so that a client may send it again after any failure: `GET` and `HEAD`.
    pub const fn is_safe(self) -> bool {
        self.method().is_safe()
    }
}
