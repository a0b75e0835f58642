//! What is in a decision log: is it whole, and would every decision come out the same?
