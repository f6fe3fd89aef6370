//! An ordered map from numbers to bindings: a B+ tree whose nodes lie in two vectors and are used again.
//!
//! Compared with `BTreeMap` it allocates nothing once it has been as large as it gets, and its wide nodes cost fewer cache
//! misses when there are millions of entries.

use smallvec::SmallVec;
use std::ops::Range;

const WIDTH: usize = 32;
/// Below this a node joins a neighbour, if both together fill no more than half of one.
const FEW: usize = WIDTH / 4;
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Leaf {
    keys: [u64; WIDTH],
    values: [u32; WIDTH],
    length: u32,
    previous: u32,
    /// Of a leaf that is not in use: the next such.
    next: u32,
}

/// `keys[i]` is a lower bound of what child `i` holds, and an upper one of what the child before holds; the first says
/// nothing.
#[derive(Clone, Debug)]
struct Inner {
    keys: [u64; WIDTH],
    children: [u32; WIDTH],
    length: u32,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    leaves: Vec<Leaf>,
    inners: Vec<Inner>,
    spare_leaf: u32,
    spare_inner: u32,
    root: u32,
    /// Of inner nodes above the leaves.
    height: u32,
    first: u32,
    length: usize,
}

/// Inner nodes from the root to a leaf, each with the child that was taken.
type Path = SmallVec<[(u32, usize); 8]>;

/// A place in a leaf, and the way there.
pub(super) struct Place {
    path: Path,
    leaf: u32,
    at: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Tree {
            leaves: Vec::new(),
            inners: Vec::new(),
            spare_leaf: NONE,
            spare_inner: NONE,
            root: NONE,
            height: 0,
            first: NONE,
            length: 0,
        }
    }
}

impl Leaf {
    fn new() -> Leaf {
        Leaf { keys: [0; WIDTH], values: [0; WIDTH], length: 0, previous: NONE, next: NONE }
    }

    fn used(&self) -> &[u64] {
        &self.keys[..self.length as usize]
    }

    fn insert(&mut self, at: usize, key: u64, value: u32) {
        let length = self.length as usize;
        self.keys.copy_within(at..length, at + 1);
        self.values.copy_within(at..length, at + 1);
        (self.keys[at], self.values[at]) = (key, value);
        self.length += 1;
    }

    fn remove(&mut self, at: usize) -> u32 {
        let (value, length) = (self.values[at], self.length as usize);
        self.keys.copy_within(at + 1..length, at);
        self.values.copy_within(at + 1..length, at);
        self.length -= 1;
        value
    }

    fn append(&mut self, other: &Leaf, of: Range<usize>) {
        let (to, count) = (self.length as usize, of.len());
        self.keys[to..to + count].copy_from_slice(&other.keys[of.clone()]);
        self.values[to..to + count].copy_from_slice(&other.values[of]);
        self.length += count as u32;
    }
}

impl Inner {
    fn new() -> Inner {
        Inner { keys: [0; WIDTH], children: [NONE; WIDTH], length: 0 }
    }

    /// Which child holds a key.
    fn child(&self, key: u64) -> usize {
        self.keys[1..(self.length as usize).max(1)].partition_point(|bound| *bound <= key)
    }

    fn insert(&mut self, at: usize, bound: u64, child: u32) {
        let length = self.length as usize;
        self.keys.copy_within(at..length, at + 1);
        self.children.copy_within(at..length, at + 1);
        (self.keys[at], self.children[at]) = (bound, child);
        self.length += 1;
    }

    fn remove(&mut self, at: usize) {
        let length = self.length as usize;
        self.keys.copy_within(at + 1..length, at);
        self.children.copy_within(at + 1..length, at);
        self.length -= 1;
    }

    fn append(&mut self, other: &Inner, of: Range<usize>) {
        let (to, count) = (self.length as usize, of.len());
        self.keys[to..to + count].copy_from_slice(&other.keys[of.clone()]);
        self.children[to..to + count].copy_from_slice(&other.children[of]);
        self.length += count as u32;
    }
}

/// Grows by a quarter: most of what a store holds is in vectors like these.
fn room<T>(nodes: &mut Vec<T>) {
    if nodes.len() == nodes.capacity() {
        nodes.reserve_exact((nodes.len() / 4).max(1));
    }
}

/// Looking.
impl Tree {
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn first(&self) -> Option<u32> {
        self.leaves.get(self.first as usize).map(|leaf| leaf.values[0])
    }

    /// Where a key stands or would.
    pub fn find(&self, key: u64) -> Place {
        let mut place = Place { path: Path::new(), leaf: self.root, at: 0 };
        if self.root == NONE {
            return place;
        }
        for _ in 0..self.height {
            let inner = &self.inners[place.leaf as usize];
            let child = inner.child(key);
            place.path.push((place.leaf, child));
            place.leaf = inner.children[child];
        }
        place.at = self.leaves[place.leaf as usize].used().partition_point(|known| *known < key);
        place
    }

    /// What stands at a place: the first entry that is not before it.
    pub fn at(&self, place: &Place) -> Option<(u64, u32)> {
        self.from(place.leaf, place.at).next()
    }

    /// The entry before a place.
    pub fn before(&self, place: &Place) -> Option<(u64, u32)> {
        let leaf = self.leaves.get(place.leaf as usize)?;
        let (leaf, at) = match place.at {
            0 => {
                let previous = self.leaves.get(leaf.previous as usize)?;
                (previous, previous.length as usize - 1)
            }
            at => (leaf, at - 1),
        };
        Some((leaf.keys[at], leaf.values[at]))
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.from(self.first, 0)
    }

    /// From a key on.
    pub fn iter_from(&self, key: u64) -> impl Iterator<Item = (u64, u32)> + '_ {
        let place = self.find(key);
        self.from(place.leaf, place.at)
    }

    fn from(&self, mut leaf: u32, mut at: usize) -> impl Iterator<Item = (u64, u32)> + '_ {
        std::iter::from_fn(move || {
            loop {
                let here = self.leaves.get(leaf as usize)?;
                if at < here.length as usize {
                    at += 1;
                    return Some((here.keys[at - 1], here.values[at - 1]));
                }
                (leaf, at) = (here.next, 0);
            }
        })
    }
}

/// Changing.
impl Tree {
    /// What is in order already, in place of everything.
    pub fn fill(&mut self, entries: impl ExactSizeIterator<Item = (u64, u32)>) {
        let (count, mut entries) = (entries.len(), entries.peekable());
        *self = Tree { length: count, ..Tree::default() };
        self.leaves.reserve_exact(count.div_ceil(WIDTH));
        let mut level: Vec<(u64, u32)> = Vec::with_capacity(count.div_ceil(WIDTH));
        while let Some((first, _)) = entries.peek().copied() {
            let number = self.new_leaf();
            let leaf = &mut self.leaves[number as usize];
            for (key, value) in entries.by_ref().take(WIDTH) {
                leaf.insert(leaf.length as usize, key, value);
            }
            if let Some((_, before)) = level.last() {
                leaf.previous = *before;
                self.leaves[*before as usize].next = number;
            }
            level.push((first, number));
        }
        self.first = level.first().map_or(NONE, |(_, leaf)| *leaf);
        while level.len() > 1 {
            self.height += 1;
            let mut above = Vec::with_capacity(level.len().div_ceil(WIDTH));
            for children in level.chunks(WIDTH) {
                let number = self.new_inner();
                let inner = &mut self.inners[number as usize];
                children.iter().enumerate().for_each(|(at, (bound, child))| inner.insert(at, *bound, *child));
                above.push((children[0].0, number));
            }
            level = above;
        }
        self.root = level.first().map_or(NONE, |(_, node)| *node);
    }

    /// Puts an entry where [`Tree::find`] says that it belongs. The key must not be there already.
    pub fn insert(&mut self, place: Place, key: u64, value: u32) {
        self.length += 1;
        let Place { path, leaf, at } = place;
        if leaf == NONE {
            self.root = self.new_leaf();
            self.first = self.root;
            return self.leaves[self.root as usize].insert(0, key, value);
        }
        let full = &mut self.leaves[leaf as usize];
        if (full.length as usize) < WIDTH {
            return full.insert(at, key, value);
        }
        // Entries mostly come at the end, or one after another in front of the one before: what lies behind stays full.
        let cut = if at == WIDTH && full.next == NONE { WIDTH } else { at.min(WIDTH / 2) };
        let right = self.new_leaf();
        let mut half = Leaf::new();
        let full = &mut self.leaves[leaf as usize];
        half.append(full, cut..WIDTH);
        full.length = cut as u32;
        (half.previous, half.next) = (leaf, full.next);
        full.next = right;
        if at <= cut && cut < WIDTH {
            full.insert(at, key, value);
        } else {
            half.insert(at - cut, key, value);
        }
        let bound = half.keys[0];
        if let Some(after) = self.leaves.get_mut(half.next as usize) {
            after.previous = right;
        }
        self.leaves[right as usize] = half;
        self.insert_child(path, bound, right);
    }

    /// A node that has come behind the one at the end of the path.
    fn insert_child(&mut self, mut path: Path, mut bound: u64, mut child: u32) {
        while let Some((node, at)) = path.pop() {
            let at = at + 1;
            let full = &mut self.inners[node as usize];
            if (full.length as usize) < WIDTH {
                return full.insert(at, bound, child);
            }
            let cut = if at == WIDTH { WIDTH } else { WIDTH / 2 };
            let right = self.new_inner();
            let mut half = Inner::new();
            let full = &mut self.inners[node as usize];
            half.append(full, cut..WIDTH);
            full.length = cut as u32;
            if at <= cut && cut < WIDTH {
                full.insert(at, bound, child);
            } else {
                half.insert(at - cut, bound, child);
            }
            bound = half.keys[0];
            self.inners[right as usize] = half;
            child = right;
        }
        let root = self.new_inner();
        let inner = &mut self.inners[root as usize];
        inner.insert(0, 0, self.root);
        inner.insert(1, bound, child);
        self.root = root;
        self.height += 1;
    }

    pub fn remove(&mut self, key: u64) -> Option<u32> {
        let Place { path, leaf, at } = self.find(key);
        let here = self.leaves.get_mut(leaf as usize)?;
        if here.used().get(at) != Some(&key) {
            return None;
        }
        let value = here.remove(at);
        self.length -= 1;
        if here.length == 0 {
            self.drop_leaf(leaf);
            self.remove_child(path);
        } else if (here.length as usize) < FEW {
            self.join_leaf(path, leaf);
        }
        Some(value)
    }

    /// Where a node with this place in its parent can join a neighbour: the left one of the two by place, and both.
    fn pair(&self, path: &Path, length: impl Fn(u32) -> u32) -> Option<(usize, u32, u32)> {
        let (parent, at) = *path.last()?;
        let parent = &self.inners[parent as usize];
        let fits = |left: &usize| {
            let (left, right) = (parent.children[*left], parent.children[left + 1]);
            length(left) + length(right) <= WIDTH as u32 / 2
        };
        let last = parent.length as usize - 1;
        let left =
            [Some(at), at.checked_sub(1)].into_iter().flatten().filter(|left| *left < last).find(fits)?;
        Some((left, parent.children[left], parent.children[left + 1]))
    }

    fn join_leaf(&mut self, mut path: Path, leaf: u32) {
        debug_assert!(self.leaves[leaf as usize].length > 0);
        let Some((at, left, right)) = self.pair(&path, |leaf| self.leaves[leaf as usize].length) else {
            return;
        };
        let taken = self.leaves[right as usize].clone();
        self.leaves[left as usize].append(&taken, 0..taken.length as usize);
        self.drop_leaf(right);
        if let Some(last) = path.last_mut() {
            last.1 = at + 1;
        }
        self.remove_child(path);
    }

    /// Takes out the child at the end of the path, and what becomes empty with it.
    fn remove_child(&mut self, mut path: Path) {
        let Some((node, at)) = path.pop() else {
            (self.root, self.height) = (NONE, 0);
            return;
        };
        let inner = &mut self.inners[node as usize];
        inner.remove(at);
        if inner.length == 0 {
            self.drop_inner(node);
            return self.remove_child(path);
        }
        if (inner.length as usize) < FEW
            && let Some((at, left, right)) = self.pair(&path, |inner| self.inners[inner as usize].length)
        {
            let mut taken = self.inners[right as usize].clone();
            if let Some(last) = path.last_mut() {
                taken.keys[0] = self.inners[last.0 as usize].keys[at + 1];
                last.1 = at + 1;
            }
            self.inners[left as usize].append(&taken, 0..taken.length as usize);
            self.drop_inner(right);
            return self.remove_child(path);
        }
        while self.height > 0 && self.inners[self.root as usize].length == 1 {
            let only = self.inners[self.root as usize].children[0];
            self.drop_inner(self.root);
            self.root = only;
            self.height -= 1;
        }
    }

    fn new_leaf(&mut self) -> u32 {
        if let Some(spare) = self.leaves.get_mut(self.spare_leaf as usize) {
            let number = std::mem::replace(&mut self.spare_leaf, spare.next);
            (spare.length, spare.previous, spare.next) = (0, NONE, NONE);
            return number;
        }
        room(&mut self.leaves);
        self.leaves.push(Leaf::new());
        (self.leaves.len() - 1) as u32
    }

    fn drop_leaf(&mut self, leaf: u32) {
        let Leaf { previous, next, .. } = self.leaves[leaf as usize];
        match self.leaves.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => self.first = next,
        }
        if let Some(after) = self.leaves.get_mut(next as usize) {
            after.previous = previous;
        }
        self.leaves[leaf as usize].next = std::mem::replace(&mut self.spare_leaf, leaf);
    }

    fn new_inner(&mut self) -> u32 {
        if let Some(spare) = self.inners.get_mut(self.spare_inner as usize) {
            let number = std::mem::replace(&mut self.spare_inner, spare.children[0]);
            spare.length = 0;
            return number;
        }
        room(&mut self.inners);
        self.inners.push(Inner::new());
        (self.inners.len() - 1) as u32
    }

    fn drop_inner(&mut self, inner: u32) {
        self.inners[inner as usize].children[0] = std::mem::replace(&mut self.spare_inner, inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn insert(tree: &mut Tree, key: u64, value: u32) {
        let place = tree.find(key);
        if tree.at(&place).is_none_or(|(known, _)| known != key) {
            tree.insert(place, key, value);
        }
    }

    fn same(tree: &Tree, model: &BTreeMap<u64, u32>) {
        assert_eq!(tree.len(), model.len());
        assert!(tree.iter().eq(model.iter().map(|(key, value)| (*key, *value))));
        assert_eq!(tree.first(), model.first_key_value().map(|(_, value)| *value));
        for key in [0, 7, 100, 1_000, 60_000] {
            let entry = |(key, value): (&u64, &u32)| (*key, *value);
            assert!(tree.iter_from(key).eq(model.range(key..).map(entry)));
            assert_eq!(tree.before(&tree.find(key)), model.range(..key).next_back().map(entry));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        /// Rows of keys upwards, downwards and anywhere, taken out again in other orders.
        #[test]
        fn it_is_an_ordered_map(
            filled in 0u64..3_000,
            steps in proptest::collection::vec((0u8..6, 0u64..65_536, 1u64..2_000), 1..24),
        ) {
            let (mut tree, mut model) = (Tree::default(), BTreeMap::new());
            tree.fill((0..filled as usize).map(|n| (n as u64 * 3, n as u32)));
            model.extend((0..filled).map(|n| (n * 3, n as u32)));
            for (kind, from, count) in steps {
                for n in 0..count {
                    let key = match kind {
                        0 | 3 => from + n,
                        1 | 4 => (from + count) - n,
                        _ => (from + n).wrapping_mul(2_654_435_761) % 65_536,
                    };
                    if kind < 3 {
                        insert(&mut tree, key, n as u32);
                        model.entry(key).or_insert(n as u32);
                    } else {
                        prop_assert_eq!(tree.remove(key), model.remove(&key));
                    }
                }
                same(&tree, &model);
            }
            let keys: Vec<u64> = model.keys().copied().collect();
            keys.iter().for_each(|key| assert!(tree.remove(*key).is_some()));
            same(&tree, &BTreeMap::new());
        }
    }

    /// A queue whose entries move to its end for ever: as in service.
    #[test]
    fn what_moves_on_takes_no_more_room() {
        let mut tree = Tree::default();
        (0..10_000u64).for_each(|key| insert(&mut tree, key, 1));
        let mut round = |base: u64| {
            for n in 0..10_000u64 {
                assert!(tree.remove(base + n * 7_919 % 10_000).is_some());
                insert(&mut tree, base + 10_000 + n, 1);
            }
            (tree.leaves.len(), tree.inners.len())
        };
        let sizes: Vec<_> = (0..40).map(|n| round(n * 10_000)).collect();
        assert_eq!(sizes[10], sizes[39], "{sizes:?}");
        assert!(sizes[39].0 < 10_000 / 8, "{sizes:?}");
    }
}
