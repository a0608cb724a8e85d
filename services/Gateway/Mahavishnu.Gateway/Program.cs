using Mahavishnu.Contracts;
using Mahavishnu.Gateway;
using Mahavishnu.ServiceDefaults;

return await ServiceHost.RunAsync(args, Resources.Gateway, builder => builder.AddGateway(), app => app.MapGateway());
