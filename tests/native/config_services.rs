//! Every message about programs, their accounts, and for whom they speak.
