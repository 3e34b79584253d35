//! The contexts of one VM by the host's number: a root for each configuration of the filter, and a stream
//! for each request. What is found is taken out of the map before it is used: nothing stays borrowed when a
//! callback calls the host, which may call back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::root::Root;
use super::stream::Stream;

#[derive(Clone)]
pub(super) enum Context {
    Root(Rc<Root>),
    Stream(Rc<Stream>),
}

thread_local! {
    static CONTEXTS: RefCell<BTreeMap<u32, Context>> = const { RefCell::new(BTreeMap::new()) };
}

/// Makes a context: a root when `root` is 0. Envoy announces a root again when the same configuration starts
/// a second time (in another listener); it stays what it was. A stream of no root is not made.
pub(super) fn create(id: u32, parent: u32) {
    let context = match root(parent) {
        _ if parent == 0 && root(id).is_some() => return,
        _ if parent == 0 => Context::Root(Rc::default()),
        Some(root) => Context::Stream(Rc::new(Stream::new(id, root))),
        None => return,
    };
    CONTEXTS.with(|contexts| contexts.borrow_mut().insert(id, context));
}

pub(super) fn root(id: u32) -> Option<Rc<Root>> {
    match find(id) {
        Some(Context::Root(root)) => Some(root),
        _ => None,
    }
}

pub(super) fn stream(id: u32) -> Option<Rc<Stream>> {
    match find(id) {
        Some(Context::Stream(stream)) => Some(stream),
        _ => None,
    }
}

pub(super) fn remove(id: u32) -> Option<Context> {
    CONTEXTS.with(|contexts| contexts.borrow_mut().remove(&id))
}

fn find(id: u32) -> Option<Context> {
    CONTEXTS.with(|contexts| contexts.borrow().get(&id).cloned())
}
