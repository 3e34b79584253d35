//! Sets of operations, in one word of the machine.

use super::operation::{Class, Operation};

/// A set of operations. What a grant allows is one; a [`Class`] is the set of its operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationSet(u64);

const _: () = assert!(
    Operation::ALL.len() <= 64,
    "a set of operations has 64 bits"
);

impl OperationSet {
    /// No operation.
    pub const NONE: Self = Self(0);

    /// Every operation, whatever will be added.
    pub const ALL: Self = Self(u64::MAX);

    /// One operation.
    pub const fn one(operation: Operation) -> Self {
        Self(1 << (operation as u64))
    }

    /// The operations of a class.
    pub const fn of_class(class: Class) -> Self {
        let (mut set, mut rest) = (Self::NONE, Operation::ALL);
        while let [first, others @ ..] = rest {
            if first.class() as u8 == class as u8 {
                set = set.and(Self::one(*first));
            }
            rest = others;
        }
        set
    }

    /// Whether the operation is in the set.
    pub const fn has(self, operation: Operation) -> bool {
        self.0 & Self::one(operation).0 != 0
    }

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in both.
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As it would be written in the configuration: whole classes by their names, then single operations.
    pub fn words(self) -> Vec<&'static str> {
        let grantable = Class::ALL.into_iter().filter(|one| *one != Class::Token);
        let (whole, other): (Vec<Class>, Vec<Class>) =
            grantable.partition(|class| Self::of_class(*class).without(self).is_empty());
        if other.is_empty() {
            return vec!["all"];
        }
        let single = Operation::ALL
            .iter()
            .filter(|one| other.contains(&one.class()) && self.has(**one));
        let whole = whole.into_iter().map(Class::name);
        whole.chain(single.map(|one| one.name())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_part_the_operations() {
        for operation in Operation::ALL {
            let having: Vec<Class> = Class::ALL
                .into_iter()
                .filter(|class| OperationSet::of_class(*class).has(*operation))
                .collect();
            assert_eq!(having, [operation.class()], "{operation:?}");
        }
    }

    #[test]
    fn a_set_in_words() {
        let set = OperationSet::of_class(Class::Config)
            .and(OperationSet::one(Operation::LoadTable))
            .and(OperationSet::one(Operation::LoadView));
        assert_eq!(set.words(), ["config", "loadTable", "loadView"]);
        assert_eq!(OperationSet::ALL.words(), ["all"]);
        assert!(OperationSet::NONE.words().is_empty());
        let all_but_tokens = OperationSet::ALL.without(OperationSet::of_class(Class::Token));
        assert_eq!(all_but_tokens.words(), ["all"]);
    }

    #[test]
    fn a_set_has_what_was_put_in() {
        let set = OperationSet::one(Operation::LoadTable)
            .and(OperationSet::one(Operation::DropSemanticModel));
        assert!(set.has(Operation::LoadTable) && set.has(Operation::DropSemanticModel));
        assert!(!set.has(Operation::LoadView) && !set.is_empty());
        assert!(OperationSet::NONE.is_empty() && !OperationSet::NONE.has(Operation::GetConfig));
        assert!(OperationSet::ALL.has(Operation::DropSemanticModel));
    }
}
