//! The tree of a checked expression or executable statement. Shapes only; parsing and evaluation stand beside it.

use crate::option::definition::OptionId;
use crate::syntax::source::Span;
use std::sync::Arc;

pub type Name = Arc<str>;

/// An expression. Which of the three kinds of value (boolean, data, numeric) it yields follows from its shape; variables,
/// functions and `null` may yield any.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    // boolean
    Check(Name),
    Equal(Box<[Expr; 2]>),
    NotEqual(Box<[Expr; 2]>),
    /// `~=`, and `~~` which ignores case: POSIX extended regular expressions.
    Matches {
        ignore_case: bool,
        operands: Box<[Expr; 2]>,
    },
    And(Box<[Expr; 2]>),
    Or(Box<[Expr; 2]>),
    Not(Box<Expr>),
    /// `exists OPTION`: in the packet.
    Exists(OptionId),
    Defined(Name),
    Known,
    Static,

    // data
    Const(Arc<[u8]>),
    /// `substring (data, offset, length)`
    Substring(Box<[Expr; 3]>),
    /// `suffix (data, length)`
    Suffix(Box<[Expr; 2]>),
    Lcase(Box<Expr>),
    Ucase(Box<Expr>),
    /// `option NAME`: from the packet.
    Option(OptionId),
    /// `config-option NAME`: from what has been configured so far.
    ConfigOption(OptionId),
    Hardware,
    /// `packet (offset, length)`
    Packet(Box<[Expr; 2]>),
    /// `concat (a, b, ..)`, two or more, and the pieces of an option value that are not all constant. Null when one of them is.
    Concat(Vec<Expr>),
    /// `encode-int (value, bits)`; bits is 8, 16 or 32.
    EncodeInt {
        bits: u8,
        value: Box<Expr>,
    },
    /// `binary-to-ascii (base, width, separator, data)`
    BinaryToAscii(Box<[Expr; 4]>),
    /// `reverse (width, data)`
    Reverse(Box<[Expr; 2]>),
    PickFirst(Vec<Expr>),
    /// A host name where addresses are wanted: all its A records, concatenated; null when unknown.
    HostLookup(Name),
    LeasedAddress,
    HostDeclName,
    Filename,
    ServerName,
    Gethostname,
    /// `v6relay (hop, data)`
    V6Relay(Box<[Expr; 2]>),

    // numeric
    Integer(i64),
    /// `extract-int (data, bits)`; bits is 8, 16 or 32.
    ExtractInt {
        bits: u8,
        data: Box<Expr>,
    },
    LeaseTime,
    ClientState,
    Arithmetic {
        op: Arithmetic,
        operands: Box<[Expr; 2]>,
    },

    // any kind
    Null,
    Variable(Name),
    Call {
        name: Name,
        arguments: Vec<Expr>,
    },
    /// `function (a, b) { .. }` as the value of `set`.
    Function(Arc<Function>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    Xor,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub parameters: Vec<Name>,
    pub body: Block,
}

/// Statements in the order written.
pub type Block = Arc<[Statement]>;

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub span: Span,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `option`, `supersede`, `send`, `default`, `append`, `prepend`, and every server parameter.
    Option {
        op: OptionOp,
        option: OptionId,
        value: Expr,
    },
    If {
        condition: Expr,
        then: Block,
        otherwise: Block,
    },
    Switch {
        value: Expr,
        body: Block,
    },
    /// Label inside a `switch` body.
    Case(Expr),
    DefaultCase,
    Break,
    On {
        events: OnEvents,
        body: Block,
    },
    Eval(Expr),
    Return(Option<Expr>),
    Log {
        priority: LogPriority,
        text: Expr,
    },
    Set {
        name: Name,
        value: Expr,
    },
    Unset(Name),
    /// `define name (a, b) { .. }` or `define name = value;`
    Define {
        name: Name,
        value: Expr,
    },
    Let {
        name: Name,
        value: Expr,
        body: Block,
    },
    /// `add CLASS`
    AddClass(Name),
    /// `execute (command, arguments..)`
    Execute {
        command: Name,
        arguments: Vec<Expr>,
    },
    /// `allow`, `deny` and `ignore` become `Option` with a server option; a vendor option space likewise.
    /// `parse-vendor-option;`: reads option 43 of the packet as the space that `vendor-option-space` names.
    VendorOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionOp {
    /// `option`, `supersede` and `send`: replace.
    Supersede,
    /// `send`, kept apart because it is written back by its own name.
    Send,
    Default,
    Append,
    Prepend,
}

/// The set of events an `on` statement names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnEvents {
    pub commit: bool,
    pub release: bool,
    pub expiry: bool,
    pub transmission: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPriority {
    Fatal,
    Error,
    Debug,
    Info,
}

/// `key NAME { algorithm A; secret S; }`
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: Name,
    /// As ISC completes it: `hmac-md5.SIG-ALG.REG.INT.`, or with the dot at the end.
    pub algorithm: Option<Name>,
    pub secret: Option<Arc<[u8]>>,
    pub span: Span,
}

/// `zone NAME { primary A; key K; }`
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// With a dot at the end.
    pub name: Name,
    pub primary: Option<Expr>,
    pub secondary: Option<Expr>,
    pub primary6: Option<Expr>,
    pub secondary6: Option<Expr>,
    pub key: Option<Name>,
    pub span: Span,
}
