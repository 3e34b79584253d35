//! Readers of bodies of other schools, written from the spec: of two members of one name they take the first
//! or the last, or they know no case. Where the gate accepts a body, all of them must find what it found.

use std::fmt;

use icegate::iceberg::{Body, Operation};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// JSON with every member as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// A number is a text of its digits: no reader looks at it here.
    Other(String),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Tree>),
    /// An object, also with members that stand there twice.
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// The tree of a text, if it is JSON and not too deep for a tree.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Other("null".to_owned()))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Other(serde_json::json!(value).to_string()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
                Ok(Tree::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    list.push(element);
                }
                Ok(Tree::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
                let mut object = Vec::new();
                while let Some(member) = members.next_entry()? {
                    object.push(member);
                }
                Ok(Tree::Object(object))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Which member a reader takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum School {
    /// The first of a name.
    First,
    /// The last of a name.
    Last,
    /// The last that is called so without regard to case, `-` and `_`.
    Lax,
}

impl School {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Last, Self::Lax];
}

/// What a reader of `school` finds, a line each, sorted. Reads whatever it can, and leaves out the rest.
pub(crate) fn found(operation: Operation, tree: &Tree, school: School) -> Vec<String> {
    let mut finder = Finder {
        school,
        lines: Vec::new(),
    };
    finder.body(operation, tree);
    finder.lines.sort();
    finder.lines
}

fn is_signing(operation: Operation) -> bool {
    matches!(operation, Operation::SignRequest | Operation::SignS3Request)
}

/// The same lines of what the gate read.
pub(crate) fn lines_of(operation: Operation, body: &Body) -> Vec<String> {
    let named = body.names.iter().map(|named| {
        let levels = named
            .namespace
            .as_ref()
            .map_or(String::new(), |levels| format!("{levels:?}"));
        let object = named
            .object
            .as_ref()
            .map_or("", |object| object.name.as_str());
        format!("{:?} {levels} {object}", named.role)
    });
    let locations = body.locations.iter().map(|location| {
        // What the address stands for has a test of its own.
        if is_signing(operation) {
            "signed".to_owned()
        } else {
            location.uri.clone()
        }
    });
    let mut lines: Vec<String> = named.chain(locations).collect();
    lines.extend(
        body.default_catalogs
            .iter()
            .map(|one| format!("catalog {one}")),
    );
    lines.extend(body.overwrites.then(|| "overwrites".to_owned()));
    lines.extend(body.stages.then(|| "stages".to_owned()));
    lines.extend(body.creates.then(|| "creates".to_owned()));
    lines.sort();
    lines
}

struct Finder {
    school: School,
    lines: Vec<String>,
}

impl Finder {
    fn get<'t>(&self, tree: &'t Tree, wanted: &str) -> Option<&'t Tree> {
        let Tree::Object(members) = tree else {
            return None;
        };
        let lax = |name: &str| name.replace(['-', '_'], "").to_lowercase();
        let is_it = |name: &str| match self.school {
            School::First | School::Last => name == wanted,
            School::Lax => lax(name) == lax(wanted),
        };
        let mut those = members
            .iter()
            .filter(|(name, _)| is_it(name))
            .map(|(_, value)| value);
        match self.school {
            School::First => those.next(),
            School::Last | School::Lax => those.next_back(),
        }
        .filter(|value| **value != Tree::Other("null".to_owned()))
    }

    fn text<'t>(&self, tree: &'t Tree, wanted: &str) -> Option<&'t str> {
        match self.get(tree, wanted)? {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    fn list<'t>(&self, tree: &'t Tree, wanted: &str) -> &'t [Tree] {
        match self.get(tree, wanted) {
            Some(Tree::List(elements)) => elements,
            _ => &[],
        }
    }

    fn levels(&self, tree: &Tree, wanted: &str) -> Vec<String> {
        self.list(tree, wanted)
            .iter()
            .filter_map(|level| match level {
                Tree::Text(level) => Some(level.clone()),
                _ => None,
            })
            .collect()
    }

    fn location(&mut self, tree: &Tree, wanted: &str) {
        let location = self.text(tree, wanted).map(str::to_owned);
        self.lines.extend(location);
    }

    fn properties(&mut self, tree: &Tree, wanted: &str, more: &[&str]) {
        let Some(Tree::Object(members)) = self.get(tree, wanted) else {
            return;
        };
        let exact = Finder {
            school: match self.school {
                School::Lax => School::Last,
                school => school,
            },
            lines: Vec::new(),
        };
        let properties = Tree::Object(members.clone());
        let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let is_location = ["location", "default_location"].contains(&key)
                || more.contains(&key)
                || (key.starts_with("write.") && key.ends_with(".path"));
            if is_location {
                self.lines
                    .extend(exact.text(&properties, key).map(str::to_owned));
            }
        }
    }

    /// An object in the path's namespace.
    fn object(&mut self, tree: &Tree, role: &str, name: &str) {
        let name = self.text(tree, name).unwrap_or_default();
        self.lines.push(format!("{role}  {name}"));
    }

    fn identifier(&mut self, tree: &Tree, wanted: &str, role: &str) {
        if let Some(identifier) = self.get(tree, wanted) {
            let levels = self.levels(identifier, "namespace");
            let name = self.text(identifier, "name").unwrap_or_default();
            self.lines.push(format!("{role} {levels:?} {name}"));
        }
    }

    fn flag(&mut self, tree: &Tree, wanted: &str, line: &str) {
        if self.get(tree, wanted) == Some(&Tree::Other("true".to_owned())) {
            self.lines.push(line.to_owned());
        }
    }

    fn view_version(&mut self, tree: &Tree) {
        if let Some(version) = self.get(tree, "view-version") {
            let catalog = self.text(version, "default-catalog");
            self.lines
                .extend(catalog.map(|one| format!("catalog {one}")));
            let levels = self.levels(version, "default-namespace");
            if !levels.is_empty() {
                self.lines.push(format!("DefaultNamespace {levels:?} "));
            }
        }
    }

    fn snapshot(&mut self, snapshot: &Tree) {
        self.location(snapshot, "manifest-list");
        for manifest in self.list(snapshot, "manifests") {
            if let Tree::Text(manifest) = manifest {
                self.lines.push(manifest.clone());
            }
        }
    }

    fn table_commit(&mut self, tree: &Tree) {
        self.commit(tree);
        let mut requirements = self.list(tree, "requirements").iter();
        let creates = requirements.any(|one| {
            let kind = self.text(one, "type").unwrap_or_default();
            kind.to_lowercase() == "assert-create"
        });
        if creates && !self.lines.contains(&"creates".to_owned()) {
            self.lines.push("creates".to_owned());
        }
    }

    fn commit(&mut self, tree: &Tree) {
        self.identifier(tree, "identifier", "Changed");
        for update in self.list(tree, "updates") {
            self.location(update, "location");
            self.properties(update, "updates", &[]);
            self.properties(update, "updated", &[]);
            if let Some(snapshot) = self.get(update, "snapshot") {
                self.snapshot(snapshot);
            }
            for file in ["statistics", "partition-statistics"] {
                if let Some(file) = self.get(update, file) {
                    self.location(file, "statistics-path");
                }
            }
            self.view_version(update);
        }
    }

    fn metadata(&mut self, metadata: &Tree) {
        self.location(metadata, "location");
        self.properties(metadata, "properties", &[]);
        for snapshot in self.list(metadata, "snapshots") {
            self.snapshot(snapshot);
        }
        for files in ["statistics", "partition-statistics"] {
            for file in self.list(metadata, files) {
                self.location(file, "statistics-path");
            }
        }
        for entry in self.list(metadata, "metadata-log") {
            self.location(entry, "metadata-file");
        }
    }

    fn target(&mut self, target: &Tree) {
        let mut levels = self.levels(target, "path");
        let name = match self.text(target, "type") {
            Some("table-like") => levels.pop().unwrap_or_default(),
            _ => String::new(),
        };
        self.lines.push(format!("Target {levels:?} {name}"));
    }

    fn body(&mut self, operation: Operation, tree: &Tree) {
        match operation {
            Operation::CreateNamespace => {
                let levels = self.levels(tree, "namespace");
                self.lines.push(format!("Created {levels:?} "));
                self.properties(tree, "properties", &[]);
            }
            Operation::UpdateProperties => self.properties(tree, "updates", &[]),
            Operation::CreateTable => {
                self.object(tree, "Created", "name");
                self.location(tree, "location");
                self.properties(tree, "properties", &[]);
                self.flag(tree, "stage-create", "stages");
            }
            Operation::RegisterTable | Operation::RegisterView => {
                self.object(tree, "Created", "name");
                self.location(tree, "metadata-location");
                self.flag(tree, "overwrite", "overwrites");
            }
            Operation::RenameTable | Operation::RenameView => {
                self.identifier(tree, "source", "Source");
                self.identifier(tree, "destination", "Destination");
            }
            Operation::UpdateTable => self.table_commit(tree),
            Operation::ReplaceView => self.commit(tree),
            Operation::SignRequest | Operation::SignS3Request => {
                let signed = self.text(tree, "uri").map(|_| "signed".to_owned());
                self.lines.extend(signed);
            }
            Operation::CommitTransaction => {
                for change in self.list(tree, "table-changes") {
                    self.table_commit(change);
                }
            }
            Operation::CreateView => {
                self.object(tree, "Created", "name");
                self.location(tree, "location");
                self.properties(tree, "properties", &[]);
                self.view_version(tree);
            }
            Operation::SendNotification => {
                if let Some(payload) = self.get(tree, "payload") {
                    self.object(payload, "Notified", "table-name");
                    self.location(payload, "metadata-location");
                    if let Some(metadata) = self.get(payload, "metadata") {
                        self.metadata(metadata);
                    }
                }
            }
            Operation::CreateGenericTable => {
                self.object(tree, "Created", "name");
                self.location(tree, "base-location");
                self.properties(tree, "properties", &["path"]);
            }
            Operation::CreatePolicy | Operation::CreateSemanticModel => {
                self.object(tree, "Created", "name");
            }
            Operation::AttachPolicy | Operation::DetachPolicy => {
                if let Some(target) = self.get(tree, "target") {
                    self.target(target);
                }
            }
            _ => {}
        }
    }
}
