//! A line of the operator's log: its priority and its text. The texts themselves stand in a `message` file of the
//! module that says them, one function or variant a text.

/// syslog(3) priorities that ISC dhcpd uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// `log_error` and `log_fatal`.
    Error = 3,
    Info = 6,
    Debug = 7,
}

/// One line, without a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub priority: Priority,
    pub text: String,
}

impl Line {
    pub fn error(text: impl Into<String>) -> Self {
        Line { priority: Priority::Error, text: text.into() }
    }

    pub fn info(text: impl Into<String>) -> Self {
        Line { priority: Priority::Info, text: text.into() }
    }

    pub fn debug(text: impl Into<String>) -> Self {
        Line { priority: Priority::Debug, text: text.into() }
    }
}

/// Where lines go while something is being read or checked: standard error and syslog at run time, a vector in tests.
pub type Sink<'a> = dyn FnMut(Line) + 'a;
