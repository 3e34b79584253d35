//! The cache against a naive one: a list in the order of use.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the answer"
)]

use std::rc::Rc;
use std::time::Duration;

use icegate::cache::{Cache, Dropped, Known, SubjectToken, Until};
use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::ContextId;
use icegate::refusal::{Reason, Refusal};
use proptest::prelude::*;

const MOST_ENTRIES: usize = 4;
const MOST_BYTES: usize = 6000;
/// What the cache reckons for an entry beside its tokens.
const OVERHEAD: usize = 1024;
/// What a caller takes.
fn footprint(caller: &u16) -> usize {
    usize::from(*caller % 700)
}

const REST: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
enum Op {
    Get(u8),
    PutCaller(u8, u16),
    PutMinted {
        token: u8,
        catalog: u8,
        minted: u16,
        bytes: usize,
        life: u64,
    },
    PutRefused {
        token: u8,
        catalog: u8,
        life: u64,
    },
    Drop(u8, u8),
    Forget(u8),
    /// Keeps callers that leave this rest when divided by three.
    Retain(u16),
    Pass(u64),
    SetClock(i64),
}

fn op() -> impl Strategy<Value = Op> {
    let token = 0..7_u8;
    let catalog = 0..3_u8;
    prop_oneof![
        4 => token.clone().prop_map(Op::Get),
        2 => (token.clone(), any::<u16>()).prop_map(|(token, caller)| Op::PutCaller(token, caller)),
        5 => (token.clone(), catalog.clone(), any::<u16>(), 0..3000_usize, 0..60_u64).prop_map(
            |(token, catalog, minted, bytes, life)| Op::PutMinted { token, catalog, minted, bytes, life }
        ),
        2 => (token.clone(), catalog.clone(), 0..10_u64)
            .prop_map(|(token, catalog, life)| Op::PutRefused { token, catalog, life }),
        2 => (token.clone(), catalog).prop_map(|(token, catalog)| Op::Drop(token, catalog)),
        1 => token.prop_map(Op::Forget),
        1 => (0..3_u16).prop_map(Op::Retain),
        2 => (0..40_u64).prop_map(Op::Pass),
        1 => (-100..100_i64).prop_map(Op::SetClock),
    ]
}

/// What is known at one catalog, as the naive cache has it.
#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Nothing,
    Minted(u16),
    Refused,
}

#[derive(Clone, Debug)]
struct Slot {
    catalog: u8,
    fact: Fact,
    bytes: usize,
    until: (u64, i64),
    dropped: Option<u64>,
}

#[derive(Clone, Debug)]
struct Entry {
    token: u8,
    caller: u16,
    slots: Vec<Slot>,
}

impl Entry {
    fn cost(&self) -> usize {
        let minted: usize = self.slots.iter().map(|slot| slot.bytes).sum();
        token(self.token).expose().len() + OVERHEAD + footprint(&self.caller) + minted
    }

    fn slot(&mut self, catalog: u8) -> &mut Slot {
        if !self.slots.iter().any(|slot| slot.catalog == catalog) {
            self.slots.push(Slot {
                catalog,
                fact: Fact::Nothing,
                bytes: 0,
                until: (0, 0),
                dropped: None,
            });
        }
        let found = self.slots.iter_mut().find(|slot| slot.catalog == catalog);
        found.expect("just made")
    }
}

/// The least recently used one comes first.
#[derive(Debug, Default)]
struct Naive {
    entries: Vec<Entry>,
    evictions: usize,
}

impl Naive {
    fn bytes(&self) -> usize {
        self.entries.iter().map(Entry::cost).sum()
    }

    fn take(&mut self, token: u8) -> Option<Entry> {
        let place = self.entries.iter().position(|entry| entry.token == token)?;
        Some(self.entries.remove(place))
    }

    fn change(&mut self, token: u8, caller: u16, change: impl FnOnce(&mut Entry)) {
        let slots = self.take(token).map_or(Vec::new(), |entry| entry.slots);
        let mut entry = Entry {
            token,
            caller,
            slots,
        };
        change(&mut entry);
        if entry.cost() > MOST_BYTES {
            self.evictions += 1;
            return;
        }
        while self.entries.len() >= MOST_ENTRIES || self.bytes() + entry.cost() > MOST_BYTES {
            self.entries.remove(0);
            self.evictions += 1;
        }
        self.entries.push(entry);
    }
}

/// Tokens of different lengths.
fn token(number: u8) -> SubjectToken {
    SubjectToken::new(&format!("token-{number}").repeat(usize::from(number) + 1))
}

fn catalog(number: u8) -> ContextId {
    ContextId(u32::from(number))
}

fn now(instant: u64, unix: i64) -> Now {
    Now {
        instant: Instant::from_origin(Duration::from_secs(instant)),
        unix: UnixTime::from_secs(unix.try_into().expect("after 1970")),
    }
}

proptest! {
    #[test]
    fn the_cache_does_what_a_naive_one_does(ops in prop::collection::vec(op(), 0..80)) {
        let mut cache: Cache<u16, u16> = Cache::new(MOST_ENTRIES, MOST_BYTES, (1, 2), footprint);
        let mut naive = Naive::default();
        let (mut instant, mut unix) = (1000_u64, 1_000_000_i64);
        for op in ops {
            let at = now(instant, unix);
            match op {
                Op::Get(number) => {
                    let asked = token(number);
                    let real = cache.get(asked.expose());
                    let expected = naive.take(number);
                    prop_assert_eq!(real.is_some(), expected.is_some());
                    if let (Some((key, real)), Some(expected)) = (real, expected) {
                        prop_assert_eq!(key.expose(), asked.expose());
                        prop_assert_eq!(**real.caller(), expected.caller);
                        for place in 0..3 {
                            let known = match real.at(catalog(place), at) {
                                Known::Minted(minted) => Fact::Minted(**minted),
                                Known::Refused(_) => Fact::Refused,
                                Known::Nothing => Fact::Nothing,
                            };
                            let slot = expected.slots.iter().find(|slot| slot.catalog == place);
                            let alive = slot.filter(|slot| instant < slot.until.0 && unix < slot.until.1);
                            prop_assert_eq!(known, alive.map_or(Fact::Nothing, |slot| slot.fact.clone()));
                        }
                        naive.entries.push(expected);
                    }
                }
                Op::PutCaller(number, caller) => {
                    cache.put_caller(&token(number), Rc::new(caller));
                    naive.change(number, caller, |_| {});
                }
                Op::PutMinted { token: number, catalog: place, minted, bytes, life } => {
                    let until = Until::after(at, Duration::from_secs(life));
                    cache.put_minted(&token(number), Rc::new(1), catalog(place), Rc::new(minted), bytes, until);
                    naive.change(number, 1, |entry| {
                        let slot = entry.slot(place);
                        slot.fact = Fact::Minted(minted);
                        slot.bytes = bytes;
                        slot.until = (instant + life, unix + life as i64);
                    });
                }
                Op::PutRefused { token: number, catalog: place, life } => {
                    let until = Until::after(at, Duration::from_secs(life));
                    let refusal = Refusal::new(Reason::SubjectRefused, "no");
                    cache.put_refused(&token(number), Rc::new(2), catalog(place), refusal, until);
                    naive.change(number, 2, |entry| {
                        let slot = entry.slot(place);
                        slot.fact = Fact::Refused;
                        slot.bytes = 0;
                        slot.until = (instant + life, unix + life as i64);
                    });
                }
                Op::Drop(number, place) => {
                    let real = cache.drop_minted(token(number).expose(), catalog(place), at.instant, REST);
                    let entry = naive.entries.iter_mut().find(|entry| entry.token == number);
                    let slot = entry.and_then(|entry| entry.slots.iter_mut().find(|slot| slot.catalog == place));
                    let expected = match slot {
                        Some(slot) if matches!(slot.fact, Fact::Minted(_)) => {
                            if slot.dropped.is_some_and(|last| instant - last < REST.as_secs()) {
                                Dropped::NotAgain
                            } else {
                                slot.dropped = Some(instant);
                                slot.fact = Fact::Nothing;
                                slot.bytes = 0;
                                Dropped::Now
                            }
                        }
                        _ => Dropped::Gone,
                    };
                    prop_assert_eq!(real, expected);
                }
                Op::Forget(number) => {
                    cache.forget(token(number).expose());
                    naive.take(number);
                }
                Op::Retain(rest) => {
                    cache.retain(|caller| caller % 3 == rest);
                    naive.entries.retain(|entry| entry.caller % 3 == rest);
                }
                Op::Pass(seconds) => {
                    instant += seconds;
                    unix += seconds as i64;
                }
                Op::SetClock(seconds) => unix += seconds,
            }
            prop_assert_eq!(cache.len(), naive.entries.len());
            prop_assert_eq!(cache.is_empty(), naive.entries.is_empty());
            prop_assert_eq!(cache.bytes(), naive.bytes());
            prop_assert!(cache.bytes() <= MOST_BYTES && cache.len() <= MOST_ENTRIES);
            prop_assert_eq!(cache.take_evictions(), std::mem::take(&mut naive.evictions));
        }
    }
}

#[test]
fn an_entry_that_fits_nowhere_pushes_nobody_out() {
    let mut cache: Cache<u16, u16> = Cache::new(10, 3000, (1, 2), footprint);
    let at = now(1000, 1_000_000);
    let until = Until::after(at, Duration::from_secs(10));
    cache.put_caller(&SubjectToken::new("alice"), Rc::new(1));
    let giant = SubjectToken::new("giant");
    cache.put_minted(&giant, Rc::new(2), ContextId(0), Rc::new(1), 3000, until);
    assert!(cache.get("alice").is_some());
    assert!(cache.get("giant").is_none());
    assert_eq!(cache.take_evictions(), 1);
}

#[test]
fn what_a_cache_prints_is_no_token() {
    let mut cache: Cache<u16, u16> = Cache::new(10, 30_000, (1, 2), footprint);
    let token = SubjectToken::new("CANARY-token");
    cache.put_caller(&token, Rc::new(1));
    assert_eq!(format!("{token:?}"), "[secret]");
    assert_eq!(format!("{cache:?}"), "Cache { entries: 1, bytes: 1037 }");
}
