from django import forms
from django.utils.translation import gettext_lazy as _

from patients import validators
from patients.models import Patient


class PatientForm(forms.ModelForm):
    """A patient as staff enter and correct it, on the desk's pages and in admin."""

    use_required_attribute = False  # errors come after submitting, in our words, beside their fields

    shared_email = forms.BooleanField(label=_("They share this address"), required=False)

    class Meta:
        model = Patient
        fields = Patient.ENTERED
        widgets = {
            "full_name": forms.TextInput(attrs={"dir": "auto", "spellcheck": "false"}),
            "address": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
            "date_of_birth": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.taken_by = None
        if self.instance.pk:
            self.initial.setdefault("shared_email", self.instance.shared_email)

    def _post_clean(self):
        super()._post_clean()
        # The unique key decides when the record is saved; asked already here, so that all errors come at once.
        if "email" not in self.errors and not self.cleaned_data.get("shared_email"):
            key = validators.email_key(self.instance.email)
            taken_by = Patient.objects.filter(email_key=key).exclude(pk=self.instance.pk).first()
            if taken_by:
                self.refuse_taken_email(taken_by)

    def refuse_taken_email(self, taken_by):
        """Put the error beside the address; `taken_by` is the patient who has it."""
        self.taken_by = taken_by
        self.add_error("email", forms.ValidationError(validators.EMAIL_TAKEN, "taken"))
