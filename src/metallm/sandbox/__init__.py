"""An upstream that answers from recordings, in the wire format of the real one."""
