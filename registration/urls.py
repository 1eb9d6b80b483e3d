from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from registration import account, errors, sessions, sign_in

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="patients:list"), name="home"),
    path("accounts/login/", sign_in.SignIn.as_view(), name="login"),
    path("accounts/code/", sign_in.EnterCode.as_view(), name="code"),
    path("accounts/session/", sessions.state, name="session"),
    path("accounts/", account.account, name="account"),
    path("accounts/password/", account.ChangePassword.as_view(), name="password_change"),
    path("accounts/second-factor/", account.second_factor, name="second_factor"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("patients/", include("patients.urls")),
    path("language/", include("patients.language_urls")),
    path("address/", include("patients.address_urls")),
    path("api/v1/", include("patients.api_urls")),
    path("api/v1/<path:unknown>", errors.unknown),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/problems/<slug:slug>", errors.problem_page, name="problem"),
    path("admin/login/", sign_in.admin_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    # Admin's redirect to any object's page asks for no permission, and would tell the numbers of patients.
    path("admin/r/<path:unknown>", errors.unknown),
    # No form of ours completes names as they are typed; this would search patients without an audit event.
    path("admin/autocomplete/", errors.unknown),
    path("admin/", admin.site.urls),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
