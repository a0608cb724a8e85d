@echo off
rem Builds Mahavishnu where its sources changed since the last time, then hands over to Mahavishnu.Cli.
rem Standard output belongs to the program; whatever the build says goes to standard error.
setlocal
set "MAHAVISHNU_ROOT=%~dp0"
if "%MAHAVISHNU_ROOT:~-1%"=="\" set "MAHAVISHNU_ROOT=%MAHAVISHNU_ROOT:~0,-1%"
set "DOTNET_CLI_TELEMETRY_OPTOUT=1"
set "TESTINGPLATFORM_TELEMETRY_OPTOUT=1"
set "DOTNET_NOLOGO=1"

where dotnet >nul 2>nul
if errorlevel 1 goto missing_sdk
dotnet --list-sdks 2>nul | findstr /b /l "10." >nul
if errorlevel 1 goto missing_sdk

rem Here MSBuild itself finds out what changed: it is slower than the shell launcher's look, and just as right.
pushd "%MAHAVISHNU_ROOT%"
dotnet build "Mahavishnu.Cli\Mahavishnu.Cli.csproj" -c Release --nologo -v q --disable-build-servers 1>&2
if errorlevel 1 goto build_failed
popd

dotnet "%MAHAVISHNU_ROOT%\Mahavishnu.Cli\bin\Release\net10.0\mahavishnu-cli.dll" %*
exit /b %errorlevel%

:missing_sdk
echo mahavishnu: needs the .NET 10 SDK. Install it (https://dotnet.microsoft.com/download/dotnet/10.0) and run this again. 1>&2
exit /b 3

:build_failed
popd
echo mahavishnu: the build failed 1>&2
exit /b 1
