//! Standard input: lines as they come, or edited where a person types them.

use crate::omshell::shell::LINE_MAX;
use rustyline::DefaultEditor;
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Where lines come from.
pub enum Input {
    /// A pipe or a file: the prompt is printed all the same, as scripts expect.
    Plain(io::StdinLock<'static>),
    /// A terminal, with editing and the lines of this session to go back to.
    Edited(Box<DefaultEditor>),
}

impl Input {
    pub fn standard() -> Input {
        let person = io::stdin().is_terminal() && io::stdout().is_terminal();
        match person.then(DefaultEditor::new) {
            Some(Ok(editor)) => Input::Edited(Box::new(editor)),
            _ => Input::Plain(io::stdin().lock()),
        }
    }

    /// The next line with its end, or as much of it as ISC takes at once; none at the end of input.
    pub fn line(&mut self, prompt: &str) -> Option<Vec<u8>> {
        match self {
            Input::Plain(stdin) => {
                let mut out = io::stdout();
                let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
                let mut line = Vec::new();
                stdin.take(LINE_MAX as u64).read_until(b'\n', &mut line).ok()?;
                (!line.is_empty()).then_some(line)
            }
            Input::Edited(editor) => {
                let _ = io::stdout().flush();
                let mut line = editor.readline(prompt).ok()?;
                // A history that does not take it is no reason to stop.
                let _ = editor.add_history_entry(line.as_str());
                line.push('\n');
                Some(line.into_bytes())
            }
        }
    }
}
