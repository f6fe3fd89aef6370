//! Where a thing was written.

use std::sync::Arc;

/// A file as the parser sees it: the name exactly as given on the command line or in `include`, and its bytes.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: Arc<str>,
    pub text: Arc<[u8]>,
    /// Its place in the order of opening, copied into every [`Span`].
    pub id: SourceId,
}

impl Source {
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<[u8]>>, id: SourceId) -> Self {
        Source { name: name.into(), text: text.into(), id }
    }
}

/// Index of a [`Source`] in the order in which the files were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// A stretch of one source, octets `start..end`, and the line (from 1) on which it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub source: SourceId,
    pub line: u32,
    pub start: u32,
    pub end: u32,
}
