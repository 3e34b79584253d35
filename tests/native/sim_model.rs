//! Random stories of the broker: whatever happens, in whatever order, the invariants hold and it recovers.

use proptest::prelude::*;

use crate::sim::ops::{Op, run, tell, tell_of_tenants};

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(ops in prop::collection::vec(any::<[u8; 4]>().prop_map(Op::read), 0..120)) {
        tell(&ops);
    }

    #[test]
    fn whatever_happens_between_tenants_the_invariants_hold(
        ops in prop::collection::vec(any::<[u8; 4]>().prop_map(Op::read), 0..120)
    ) {
        tell_of_tenants(&ops);
    }

    #[test]
    fn whatever_engines_ask_for_the_invariants_hold(
        ops in prop::collection::vec(any::<[u8; 4]>(), 0..120)
    ) {
        // One byte more than operations.
        run(&[ops.concat(), vec![0]].concat());
    }

    #[test]
    fn any_bytes_are_a_story(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        run(&bytes);
    }
}
