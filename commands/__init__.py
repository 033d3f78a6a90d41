"""What the command line does without the Functions app: one module or package a command."""
