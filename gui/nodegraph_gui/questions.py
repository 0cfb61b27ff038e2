"""Questions to the user that wait for an answer without stopping the program: boxes that are opened, never run."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

__all__ = ["Question", "ask"]

Role = QMessageBox.ButtonRole
Answer = tuple[str, Callable[[], object] | None]


class Question(QMessageBox):
    """A box with an answer on each button; the last one is what Esc answers."""

    def __init__(self, parent: QWidget | None, title: str, text: str, more: str, answers: Sequence[Answer]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.setInformativeText(more)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._answers: dict[str, Callable[[], object] | None] = dict(answers)
        self._buttons: dict[str, QPushButton] = {}
        for at, (name, _) in enumerate(answers):
            last = at == len(answers) - 1
            self._buttons[name] = self.addButton(name, Role.RejectRole if last else Role.AcceptRole)
            if last:
                self.setEscapeButton(self._buttons[name])
        self.setDefaultButton(self._buttons[answers[0][0]])
        self.buttonClicked.connect(self._answer)

    def button_named(self, name: str) -> QPushButton:
        return self._buttons[name]

    def _answer(self, button: object) -> None:
        do = next((self._answers[name] for name, known in self._buttons.items() if known is button), None)
        if do is not None:
            do()


def ask(parent: QWidget | None, title: str, text: str, answers: Sequence[Answer], more: str = "") -> Question:
    """Show a question over its window and return at once; the answer that is clicked is called.

    Args:
        answers: what each button says and does; the first is the default, the last what Esc means.
    """
    question = Question(parent, title, text, more, answers)
    question.open()
    return question
