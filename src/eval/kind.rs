//! Which kind of value an expression yields, by its shape, and ISC's number for it.

use super::ast::{Arithmetic, Expr};

impl Expr {
    /// Evaluated as octets. Variables and calls are of no kind by their shape.
    pub fn is_data(&self) -> bool {
        use Expr::*;
        matches!(
            self,
            Const(_)
                | Substring(_)
                | Suffix(_)
                | Lcase(_)
                | Ucase(_)
                | Option(_)
                | ConfigOption(_)
                | Hardware
                | Packet(_)
                | Concat(_)
                | EncodeInt { .. }
                | BinaryToAscii(_)
                | Reverse(_)
                | PickFirst(_)
                | HostLookup(_)
                | LeasedAddress
                | HostDeclName
                | Filename
                | ServerName
                | Gethostname
                | V6Relay(_)
                | Null
        )
    }

    pub fn is_boolean(&self) -> bool {
        use Expr::*;
        matches!(
            self,
            Check(_)
                | Equal(_)
                | NotEqual(_)
                | Matches { .. }
                | And(_)
                | Or(_)
                | Not(_)
                | Exists(_)
                | Defined(_)
                | Known
                | Static
        )
    }

    pub fn is_numeric(&self) -> bool {
        use Expr::*;
        matches!(self, Integer(_) | ExtractInt { .. } | LeaseTime | ClientState | Arithmetic { .. })
    }

    /// ISC's number for the expression, which it prints in error messages.
    pub(super) fn opcode(&self) -> u8 {
        use Expr::*;
        match self {
            Check(_) => 2,
            Equal(_) => 3,
            Substring(_) => 4,
            Suffix(_) => 5,
            Concat(_) => 6,
            HostLookup(_) => 7,
            And(_) => 8,
            Or(_) => 9,
            Not(_) => 10,
            Option(_) => 11,
            Hardware => 12,
            Packet(_) => 13,
            Const(_) => 14,
            ExtractInt { bits, .. } => 15 + width_rank(*bits),
            EncodeInt { bits, .. } => 18 + width_rank(*bits),
            Integer(_) => 21,
            Exists(_) => 22,
            Known => 24,
            Reverse(_) => 25,
            LeasedAddress => 26,
            BinaryToAscii(_) => 27,
            ConfigOption(_) => 28,
            HostDeclName => 29,
            PickFirst(_) => 30,
            LeaseTime => 31,
            Static => 33,
            NotEqual(_) => 38,
            Null => 39,
            Defined(_) => 40,
            Variable(_) => 41,
            Filename => 42,
            ServerName => 43,
            Call { .. } => 45,
            Function(_) => 46,
            Arithmetic { op, .. } => 47 + arithmetic_rank(*op),
            ClientState => 55,
            Ucase(_) => 56,
            Lcase(_) => 57,
            Matches { ignore_case, .. } => 58 + u8::from(*ignore_case),
            Gethostname => 60,
            V6Relay(_) => 61,
        }
    }
}

fn width_rank(bits: u8) -> u8 {
    match bits {
        8 => 0,
        16 => 1,
        _ => 2,
    }
}

fn arithmetic_rank(op: Arithmetic) -> u8 {
    match op {
        Arithmetic::Add => 0,
        Arithmetic::Subtract => 1,
        Arithmetic::Multiply => 2,
        Arithmetic::Divide => 3,
        Arithmetic::Remainder => 4,
        Arithmetic::And => 5,
        Arithmetic::Or => 6,
        Arithmetic::Xor => 7,
    }
}
